// The certificates of the operator's files. Replaced as a whole by a reload; handshakes that have begun keep the context
// they have. Knows no sockets.

import type { SecureContext } from 'node:tls';
import { type CertificateFiles, type LoadedCertificate, loadCertificate } from './certificate-file.ts';
import type { ContextOptions } from './secure-context.ts';
import { contextFor, type Served, serve } from './served-certificates.ts';
import type { SecureContexts } from './tls-acceptor.ts';

/** What a store is given. */
export interface CertificateStoreOptions extends ContextOptions {
  /** At least one pair. The first is for clients that name no server, or an unknown one. */
  readonly files: readonly CertificateFiles[];
  /** Unix milliseconds. */
  readonly wallTime: () => number;
}

/** Certificates from files. */
export class CertificateStore implements SecureContexts {
  readonly #options: CertificateStoreOptions;
  #files: readonly CertificateFiles[];
  #served: Served;

  /** @throws CertificateError for the first pair that cannot be served */
  constructor(options: CertificateStoreOptions) {
    this.#options = options;
    this.#files = options.files;
    this.#served = this.#load(options.files);
  }

  get defaultContext(): SecureContext {
    return this.#served.defaultContext;
  }

  /** What is served now. */
  get certificates(): readonly LoadedCertificate[] {
    return this.#served.certificates;
  }

  /** Sentences that the operator should read. */
  get warnings(): readonly string[] {
    const unserved = this.#served.unserved.map(
      ({ files, keyType }) => `${files.certificate} is not served: not every name has a certificate of type ${keyType}`,
    );
    return [...this.certificates.flatMap((certificate) => certificate.warnings), ...unserved];
  }

  contextFor(serverName: string): SecureContext {
    return contextFor(this.#served, serverName);
  }

  /**
   * Reads the files again, or others: new handshakes use them.
   * @throws CertificateError for a pair that cannot be served; everything stays as it was then
   */
  reload(files: readonly CertificateFiles[] = this.#files): void {
    this.#served = this.#load(files);
    this.#files = files;
  }

  #load(files: readonly CertificateFiles[]): Served {
    const certificates = files.map((pair) => loadCertificate(pair, this.#options.wallTime()));
    return serve(certificates, this.#options);
  }
}
