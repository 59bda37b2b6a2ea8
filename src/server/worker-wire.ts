// What main tells workers of certificates and configuration: never more than they need.

import type { Config } from '../config/config.ts';
import type { LoadedCertificate } from '../tls/certificate-file.ts';
import type { ServerTls } from './tls-setup.ts';

/** With keys that are decrypted, and without the passphrases. */
export function wireCertificates({ certificates }: ServerTls): readonly LoadedCertificate[] {
  return certificates.map(({ files: { certificate, key }, ...rest }) => ({ ...rest, files: { certificate, key } }));
}

/** What a worker has no use for it must not hold: it parses what the network sends. */
export function harmless(config: Config): Config {
  const auth = { ...config.auth, secrets: [], users: [] };
  const control = { ...config.control, tls: null, tokens: [] };
  const tls = { ...config.tls, certificates: [] };
  return { ...config, auth, control, tls, store: null, statsdb: null, webhooks: [] };
}
