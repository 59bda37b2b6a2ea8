// The operational fault of a certificate or key file.

/** A certificate or key that cannot be served: the message is one sentence that names the file. */
export class CertificateError extends Error {
  readonly code = 'TURN_CERTIFICATE';
  readonly path: string;

  constructor(path: string, problem: string, cause?: unknown) {
    super(`${path} ${problem}`, { cause });
    this.name = 'CertificateError';
    this.path = path;
  }
}
