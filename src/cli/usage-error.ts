// Owns the refusal of a command line or configuration that cannot be meant.

/** The command line or the configuration is wrong; the message may have several lines, without secrets. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
