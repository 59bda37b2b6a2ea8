// What main tells workers of addresses, certificates and configuration: never more than they need.

import type { Config } from '../config/config.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { LoadedCertificate } from '../tls/certificate-file.ts';
import type { WireEndpoint } from '../workers/messages.ts';
import type { TlsSetup } from './tls-setup.ts';

/** An address as a message has it. */
export function wireEndpoint({ ip, port }: TransportAddress): WireEndpoint {
  return { ip: ip.text, port };
}

/** With keys that are decrypted, and without the passphrases. */
export function wireCertificates(tls: TlsSetup | null): readonly LoadedCertificate[] {
  const loaded = tls?.certificates.certificates ?? [];
  return loaded.map(({ files: { certificate, key }, ...rest }) => ({ ...rest, files: { certificate, key } }));
}

/** What a worker has no use for it must not hold: it parses what the network sends. */
export function harmless(config: Config): Config {
  const auth = { ...config.auth, secrets: [], users: [] };
  const control = { ...config.control, tls: null, tokens: [] };
  const tls = { ...config.tls, certificates: [] };
  return { ...config, auth, control, tls, store: null, statsdb: null, webhooks: [] };
}
