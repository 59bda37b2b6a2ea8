// Certificates that change while the server runs: read again when their files do, or when somebody says so. What cannot be
// served changes nothing. Knows no sockets.

import type { Config } from '../config/config.ts';
import { TurnServerError } from '../errors.ts';
import type { Logger } from '../log/logger.ts';
import { FileWatch, systemFiles } from '../tls/file-watch.ts';
import { nodeTimers } from '../workers/node-timers.ts';
import type { Closers } from './closers.ts';

/** What a renewal works with. */
export interface CertificateRenewalOptions {
  readonly logger: Logger;
  /**
   * Reads the pairs of these settings and serves them. @returns whether they differ from what was served
   * @throws CertificateError; everything stays as it was then
   */
  readonly renew: (config: Pick<Config, 'tls'>) => boolean;
  readonly closers: Closers;
}

/** Follows the certificates of one server. */
export class CertificateRenewal {
  readonly #options: CertificateRenewalOptions;
  readonly #watch: FileWatch;
  #config: Pick<Config, 'tls'>;

  constructor(config: Pick<Config, 'tls'>, options: CertificateRenewalOptions) {
    this.#options = options;
    this.#config = config;
    this.#watch = new FileWatch({
      files: systemFiles,
      timers: nodeTimers,
      take: () => this.#take(),
      refused: (reason) => this.#refused(reason),
    });
    options.closers.add(() => this.#watch.close());
    this.follow(config);
  }

  /** Watches the files of these settings from now on. */
  follow(config: Pick<Config, 'tls'>): void {
    this.#config = config;
    this.#watch.follow(config.tls.certificates.flatMap(({ certificate, key }) => [certificate, key]));
  }

  #take(): string | null {
    try {
      const isNew = this.#options.renew(this.#config);
      if (isNew)
        this.#options.logger.info({ event: 'certificates' }, 'the certificates have changed: the new are served');
      return null;
    } catch (error) {
      if (error instanceof TurnServerError) return error.message;
      throw error;
    }
  }

  #refused(reason: string): void {
    const message = `${reason}: those that were served go on being served`;
    this.#options.logger.error({ event: 'certificates' }, message);
  }
}
