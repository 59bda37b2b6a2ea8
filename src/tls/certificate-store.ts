// The certificates of the operator's files. Replaced as a whole by a reload; handshakes that have begun keep the context
// they have. Knows no sockets.

import type { SecureContext } from 'node:tls';
import { CertificateError } from './certificate-error.ts';
import { type CertificateFiles, type LoadedCertificate, loadCertificate } from './certificate-file.ts';
import type { ContextOptions, PemPair } from './secure-context.ts';
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
  /** All that were read, in the order of their files. */
  #loaded: readonly LoadedCertificate[];
  #served: Served;

  /** @throws CertificateError for the first pair that cannot be served */
  constructor(options: CertificateStoreOptions) {
    this.#options = options;
    this.#files = options.files;
    this.#loaded = this.#read(options.files, options.wallTime());
    this.#served = serve(this.#loaded, options);
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
   * @returns whether they differ from what was served
   * @throws CertificateError for a pair that cannot be served, an expired one among them; everything stays as it was then
   */
  reload(files: readonly CertificateFiles[] = this.#files): boolean {
    const now = this.#options.wallTime();
    const loaded = this.#read(files, now);
    const isServed = ({ pem }: LoadedCertificate): boolean => this.#loaded.some((one) => isSame(one.pem, pem));
    const expired = loaded.find((one) => one.notAfter <= now && !isServed(one));
    if (expired !== undefined) throw new CertificateError(expired.files.certificate, 'has expired');
    if (loaded.length === this.#loaded.length && loaded.every((one, at) => isSame(one.pem, this.#loaded[at]?.pem))) {
      this.#files = files;
      return false;
    }
    this.#served = serve(loaded, this.#options);
    this.#loaded = loaded;
    this.#files = files;
    return true;
  }

  #read(files: readonly CertificateFiles[], now: number): readonly LoadedCertificate[] {
    return files.map((pair) => loadCertificate(pair, now));
  }
}

function isSame(left: PemPair, right: PemPair | undefined): boolean {
  return left.certificate === right?.certificate && left.key === right.key;
}
