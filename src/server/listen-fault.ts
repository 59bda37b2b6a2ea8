// Says why a listening socket could not be opened, and what to do. Knows no sockets.

import { describeSystemError, ListenError } from '../errors.ts';

/** Makes the error for a listening address that cannot be opened. @param error the system's */
export function listenFault(transport: string, host: string, port: number, error: unknown): ListenError {
  const advice = ADVICE[codeOf(error)] ?? describeSystemError(error);
  return new ListenError(`cannot listen on ${transport.toUpperCase()} ${host} port ${port}: ${advice}`, error);
}

/** The system's name for an error, such as `EADDRINUSE`; empty if it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

const ADVICE: Readonly<Record<string, string>> = Object.freeze({
  EADDRINUSE: 'another program uses it: stop that one, or choose another port',
  EADDRNOTAVAIL: 'this host has no such address: name one that it has, or * for all',
  EAFNOSUPPORT: 'this host lacks this address family: name another address',
  EACCES: 'permission denied: choose a port above 1023, or give turnd CAP_NET_BIND_SERVICE',
});
