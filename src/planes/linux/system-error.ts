// What a failed call becomes where it is worth an exception: never on the packet path.

import { constants } from 'node:os';
import type { Libc } from './libc.ts';

/** A call that failed. Has `code` (`EADDRINUSE`), `errno` and `syscall`, as Node's own errors have. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number) {
    const code = errnoName(errno);
    super(`${syscall} ${code}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** The result of a call, or its error as an exception. */
export function checked(libc: Libc, syscall: string, result: number): number {
  if (result < 0) throw new SystemCallError(syscall, libc.errno());
  return result;
}

/** `EAGAIN` and the like; `errno 1234` for one that Node does not know. */
export function errnoName(errno: number): string {
  for (const [name, value] of Object.entries(constants.errno)) if (value === errno) return name;
  return `errno ${errno}`;
}
