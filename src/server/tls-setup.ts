// The certificates that TLS listeners serve: the operator's, or self-made ones for labs.

import type { Config } from '../config/config.ts';
import { TurnServerError } from '../errors.ts';
import type { Logger } from '../log/logger.ts';
import type { StateDirectory } from '../state/state-directory.ts';
import { CertificateStore } from '../tls/certificate-store.ts';
import { selfMadeCertificates } from '../tls/self-made.ts';
import type { Clock } from '../turn/env.ts';

/** What TLS listeners are served with. */
export interface TlsSetup {
  readonly certificates: CertificateStore;
  /** Whether the certificate is self-made: browsers refuse it. */
  readonly selfMade: boolean;
  /** Those of the control API's https:// addresses where it has its own; else null. */
  readonly control: CertificateStore | null;
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

/** Null where nothing takes TLS. @throws CertificateError for a certificate that cannot be served */
export async function setUpTls(options: TlsSetupOptions): Promise<TlsSetup | null> {
  const { config, state, clock, logger, names } = options;
  const isHttps = config.control.listen.some(({ scheme }) => scheme === 'https');
  const open = (files: Config['tls']['certificates'], advice: string): CertificateStore => {
    const wallTime = (): number => clock.wallTime();
    const options = { files, minVersion: config.tls.minVersion, wallTime, ticketKeys: null };
    const store = loadCertificates(() => new CertificateStore(options), advice);
    for (const warning of store.warnings) logger.warn({ event: 'certificate' }, warning);
    return store;
  };
  const own = config.control.tls;
  const control = isHttps && own !== null ? open([own], 'control.tls') : null;
  const isTurns = config.listen.some(({ transport }) => transport === 'tls' || transport === 'tcp+tls');
  if (!isTurns && control !== null) return { certificates: control, selfMade: false, control };
  if (!isTurns && !isHttps) return null;
  const selfMade = config.tls.certificates.length === 0;
  const files = selfMade
    ? await selfMadeCertificates({ stateDirectory: state.path, names, now: clock.wallTime() })
    : config.tls.certificates;
  const certificates = open(files, '--tls-cert and --tls-key');
  if (selfMade) {
    logger.warn(
      { event: 'certificate-self-made' },
      'TLS uses a self-made certificate, which browsers refuse: set --tls-cert and --tls-key',
    );
  }
  return { certificates, selfMade, control };
}

// What is wrong with a file is the loader's to say; what to do is not.
function loadCertificates(load: () => CertificateStore, keys: string): CertificateStore {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof TurnServerError)) throw error;
    const advice = `mend it, or name other files with ${keys}`;
    throw new TurnServerError(error.code, `${error.message}: ${advice}`, { cause: error });
  }
}

/**
 * Reads the certificates again. Self-made ones stay, unless the configuration now names others.
 * @returns whether those of TURN differ from what was served; false where there is nothing to read
 * @throws CertificateError for a pair that cannot be served; everything stays as it was then
 */
export function renewCertificates(tls: TlsSetup | null, { tls: { certificates } }: Pick<Config, 'tls'>): boolean {
  tls?.control?.reload();
  if (tls === null || certificates.length === 0 || tls.certificates === tls.control) return false;
  return tls.certificates.reload(certificates);
}
