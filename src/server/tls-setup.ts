// The certificates of a server: those of its TLS listeners, the operator's or self-made ones for labs, and those of the
// control API where it has its own. Loaded once something takes TLS. Knows no sockets.

import type { Config } from '../config/config.ts';
import { TurnServerError } from '../errors.ts';
import type { Logger } from '../log/logger.ts';
import type { StateDirectory } from '../state/state-directory.ts';
import type { LoadedCertificate } from '../tls/certificate-file.ts';
import { CertificateStore } from '../tls/certificate-store.ts';
import { selfMadeCertificates } from '../tls/self-made.ts';
import type { SecureContexts } from '../tls/tls-acceptor.ts';
import type { Clock } from '../turn/env.ts';

type CertificateList = Config['tls']['certificates'];

/** What {@link ServerTls.open} needs. */
export interface ServerTlsOptions {
  readonly config: Config;
  readonly state: StateDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names and addresses for a self-made certificate. */
  readonly names: () => readonly string[];
}

/** What a server speaks TLS with. */
export class ServerTls {
  readonly #options: ServerTlsOptions;
  #turn: CertificateStore | null = null;
  #control: CertificateStore | null = null;
  #isSelfMade = false;

  private constructor(options: ServerTlsOptions) {
    this.#options = options;
  }

  /** Loads what is needed. @throws CertificateError for a certificate that cannot be served */
  static async open(options: ServerTlsOptions): Promise<ServerTls> {
    const { config } = options;
    const tls = new ServerTls(options);
    const isHttps = config.control.listen.some(({ scheme }) => scheme === 'https');
    const own = config.control.tls;
    if (isHttps && own !== null) tls.#control = tls.#read([own], 'control.tls');
    if (takesTls(config) || (isHttps && own === null)) await tls.#load(config.tls.certificates);
    return tls;
  }

  /** Those of TURN that are served; none where nothing has needed one. */
  get certificates(): readonly LoadedCertificate[] {
    return this.#turn?.certificates ?? [];
  }

  /** The same, for handshakes; null where nothing has needed one. */
  get contexts(): SecureContexts | null {
    return this.#turn;
  }

  /** Whether the control API has a certificate of its own, and needs it. */
  get hasControl(): boolean {
    return this.#control !== null;
  }

  /** For handshakes with the control API. */
  get controlContexts(): SecureContexts | null {
    return this.#control ?? this.#turn;
  }

  /** Whether browsers may accept the certificates of TURN: not a self-made one. */
  get isTrusted(): boolean {
    return this.#turn !== null && !this.#isSelfMade;
  }

  /**
   * Loads the certificates of TURN, if these addresses are the first that take TLS.
   * @returns whether it has
   * @throws CertificateError for one that cannot be served
   */
  async serve(config: Pick<Config, 'listen' | 'tls'>): Promise<boolean> {
    if (this.#turn !== null || !takesTls(config)) return false;
    await this.#load(config.tls.certificates);
    return true;
  }

  /**
   * Reads the certificates of TURN again. Self-made ones stay, unless the configuration now names others.
   * @returns whether they differ from what was served; false where there is nothing to read
   * @throws CertificateError for a pair that cannot be served; everything stays as it was then
   */
  renew({ tls: { certificates } }: Pick<Config, 'tls'>): boolean {
    if (this.#turn === null || certificates.length === 0) return false;
    const areNew = this.#turn.reload(certificates);
    this.#isSelfMade = false;
    return areNew;
  }

  /** The same for the control API, where it has a certificate of its own. */
  renewControl(): boolean {
    return this.#control?.reload() ?? false;
  }

  async #load(configured: CertificateList): Promise<void> {
    const { state, clock, logger, names } = this.#options;
    const isSelfMade = configured.length === 0;
    const files = isSelfMade
      ? await selfMadeCertificates({ stateDirectory: state.path, names: names(), now: clock.wallTime() })
      : configured;
    this.#turn = this.#read(files, '--tls-cert and --tls-key');
    this.#isSelfMade = isSelfMade;
    if (!isSelfMade) return;
    logger.warn(
      { event: 'certificate-self-made' },
      'TLS uses a self-made certificate, which browsers refuse: set --tls-cert and --tls-key',
    );
  }

  #read(files: CertificateList, advice: string): CertificateStore {
    const { config, clock, logger } = this.#options;
    const wallTime = (): number => clock.wallTime();
    const options = { files, minVersion: config.tls.minVersion, wallTime, ticketKeys: null };
    const store = loadCertificates(() => new CertificateStore(options), advice);
    for (const warning of store.warnings) logger.warn({ event: 'certificate' }, warning);
    return store;
  }
}

function takesTls({ listen }: Pick<Config, 'listen'>): boolean {
  return listen.some(({ transport }) => transport === 'tls' || transport === 'tcp+tls');
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
