// Certificates that change while the server runs: read again when their files do, or when somebody says so. What cannot be
// served changes nothing. Knows no sockets.

import { TurnServerError } from '../errors.ts';
import type { Logger } from '../log/logger.ts';
import type { CertificateFiles } from '../tls/certificate-file.ts';
import { FileWatch, systemFiles } from '../tls/file-watch.ts';
import { nodeTimers } from '../workers/node-timers.ts';
import type { Closers } from './closers.ts';

/** What a renewal works with. */
export interface CertificateRenewalOptions {
  /** Whose they are, as the log says it: a subject, and words for those of old. */
  readonly words: { readonly changed: string; readonly kept: string };
  readonly logger: Logger;
  /**
   * Reads the pairs and serves them. @returns whether they differ from what was served
   * @throws CertificateError; everything stays as it was then
   */
  readonly renew: () => boolean;
  readonly closers: Closers;
}

/** In the log, of those of TURN. */
export const TURN_CERTIFICATES = Object.freeze({
  changed: 'the certificates have changed: the new are served',
  kept: 'those that were served go on being served',
});

/** In the log, of that of the control API. */
export const CONTROL_CERTIFICATE = Object.freeze({
  changed: 'the certificate of the control API has changed: the new one is served',
  kept: 'the control API goes on with the one that was served',
});

/** Follows some certificates of one server. */
export class CertificateRenewal {
  readonly #options: CertificateRenewalOptions;
  readonly #watch: FileWatch;

  /** Watches nothing yet. */
  constructor(options: CertificateRenewalOptions) {
    this.#options = options;
    this.#watch = new FileWatch({
      files: systemFiles,
      timers: nodeTimers,
      take: () => this.#take(),
      refused: (reason) => this.#refused(reason),
    });
    options.closers.add(() => this.#watch.close());
  }

  /** Watches the files of these pairs, and no others, from now on. */
  follow(pairs: readonly Pick<CertificateFiles, 'certificate' | 'key'>[]): void {
    this.#watch.follow(pairs.flatMap(({ certificate, key }) => [certificate, key]));
  }

  #take(): string | null {
    const { renew, logger, words } = this.#options;
    try {
      if (renew()) logger.info({ event: 'certificates' }, words.changed);
      return null;
    } catch (error) {
      if (error instanceof TurnServerError) return error.message;
      throw error;
    }
  }

  #refused(reason: string): void {
    const { logger, words } = this.#options;
    logger.error({ event: 'certificates' }, `${reason}: ${words.kept}`);
  }
}
