// The certificates that TLS listeners serve: the operator's, or self-made ones for labs.

import type { Config } from '../config/config.ts';
import type { Logger } from '../log/logger.ts';
import type { StateDirectory } from '../state/state-directory.ts';
import { CertificateStore } from '../tls/certificate-store.ts';
import { selfMadeCertificates } from '../tls/self-made.ts';
import { TlsAcceptor } from '../tls/tls-acceptor.ts';
import type { Clock } from '../turn/env.ts';

/** What TLS listeners are served with. */
export interface TlsSetup {
  readonly acceptor: TlsAcceptor;
  readonly certificates: CertificateStore;
  /** Whether the certificate is self-made: browsers refuse it. */
  readonly selfMade: boolean;
}

/** What {@link setUpTls} needs. */
export interface TlsSetupOptions {
  readonly config: Config;
  readonly state: StateDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names and addresses for a self-made certificate. */
  readonly names: readonly string[];
}

/** Null where no listener takes TLS. @throws CertificateError for a certificate that cannot be served */
export async function setUpTls(options: TlsSetupOptions): Promise<TlsSetup | null> {
  const { config, state, clock, logger, names } = options;
  if (!config.listen.some(({ transport }) => transport === 'tls' || transport === 'tcp+tls')) return null;
  const selfMade = config.tls.certificates.length === 0;
  const files = selfMade
    ? await selfMadeCertificates({ stateDirectory: state.path, names, now: clock.wallTime() })
    : config.tls.certificates;
  const certificates = new CertificateStore({
    files,
    minVersion: config.tls.minVersion,
    wallTime: () => clock.wallTime(),
    ticketKeys: null,
  });
  for (const warning of certificates.warnings) logger.warn({ event: 'certificate' }, warning);
  if (selfMade) {
    logger.warn(
      { event: 'certificate-self-made' },
      'TLS uses a self-made certificate, which browsers refuse: set --tls-cert and --tls-key',
    );
  }
  const acceptor = new TlsAcceptor(certificates, clock, config.limits.handshakeTimeout);
  return { acceptor, certificates, selfMade };
}
