// Owns the operational faults of the process: what an operator has to mend (DESIGN.md: the third kind of failure).
// Wire defects are status numbers and protocol refusals are constants; neither is ever an exception.

/** A stable name of an operational fault, for logs and for programs. */
export type FaultCode =
  | 'TURN_CONFIG'
  | 'TURN_LISTEN'
  | 'TURN_CERTIFICATE'
  | 'TURN_STATE_DIRECTORY'
  | 'TURN_STATE_LOCKED'
  | 'TURN_LOG_FILE'
  | 'TURN_RELAY_ADDRESS'
  | 'TURN_PLANE'
  | 'TURN_WORKERS'
  | 'TURN_STORE'
  | 'TURN_CONTROL'
  | 'TURN_CLIENT';

/** An operational fault. The message is one sentence: which thing failed, and what to do. */
export class TurnServerError extends Error {
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The configuration is invalid. Carries every fault that was found, one line each. */
export class ConfigError extends TurnServerError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super('TURN_CONFIG', problems.join('\n'));
    this.problems = Object.freeze([...problems]);
  }
}

/** A listening address cannot be opened. */
export class ListenError extends TurnServerError {
  constructor(message: string, cause?: unknown) {
    super('TURN_LISTEN', message, { cause });
  }
}

/** The state directory cannot be written, or another turnd holds it. */
export class StateDirectoryError extends TurnServerError {
  constructor(code: 'TURN_STATE_DIRECTORY' | 'TURN_STATE_LOCKED', message: string, cause?: unknown) {
    super(code, message, { cause });
  }
}

/** The log file cannot be opened. */
export class LogFileError extends TurnServerError {
  constructor(message: string, cause?: unknown) {
    super('TURN_LOG_FILE', message, { cause });
  }
}

/** In what way a store fails: for exit codes, metrics and whoever decides whether to try again. */
export type StoreFault =
  /** The package that speaks to it is not installed. */
  | 'driver'
  /** Nobody answers there: refused, unreachable, an unknown host, a lost connection. */
  | 'unreachable'
  /** It did not answer in time. */
  | 'timeout'
  /** User, password, database, TLS or permission: it is there and says no. */
  | 'denied'
  /** Its tables are not those that turnd and coturn use. */
  | 'schema'
  /** Anything else that it says. */
  | 'failed';

/** A store cannot do what it was asked. */
export class StoreError extends TurnServerError {
  readonly fault: StoreFault;

  constructor(fault: StoreFault, message: string, cause?: unknown) {
    super('TURN_STORE', message, { cause });
    this.fault = fault;
  }
}

/** The control socket cannot be opened. */
export class ControlError extends TurnServerError {
  constructor(message: string, cause?: unknown) {
    super('TURN_CONTROL', message, { cause });
  }
}

/**
 * Exit status of a daemon that stops because of `error`: 2 when the configuration is at fault, else 1.
 */
export function exitStatusOf(error: unknown): 1 | 2 {
  return error instanceof ConfigError ? 2 : 1;
}

/** Says why a system call failed, in words for an operator: `no such file or directory`. Never throws. */
export function describeSystemError(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const code = 'code' in error ? String(error.code) : '';
  const words = SYSTEM_ERRORS[code];
  if (words !== undefined) return words;
  return code === '' ? error.message : code;
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = Object.freeze({
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  ELOOP: 'too many symbolic links',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the device',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
});
