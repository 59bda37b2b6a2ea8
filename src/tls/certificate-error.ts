// The operational fault of a certificate or key file.

import { TurnServerError } from '../errors.ts';

/** A certificate or key that cannot be served: the message is one sentence that names the file. */
export class CertificateError extends TurnServerError {
  readonly path: string;

  constructor(path: string, problem: string, cause?: unknown) {
    super('TURN_CERTIFICATE', `${path} ${problem}`, { cause });
    this.path = path;
  }
}
