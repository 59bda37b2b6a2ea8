// Tells what an error of a connection means, alike for all servers: DNS, TCP and TLS. Knows no server.

import type { StoreFault } from '../errors.ts';

/** What is wrong, and what to do about it. */
export interface ConnectionFault {
  readonly fault: StoreFault;
  readonly plain: string;
  readonly advice?: string;
}

const UNREACHABLE: Readonly<Record<string, readonly [plain: string, advice: string]>> = Object.freeze({
  ECONNREFUSED: ['nobody listens there (connection refused)', 'start the database, or correct host and port'],
  ENOTFOUND: ['no such host', 'correct the host name'],
  EAI_AGAIN: ['the host name cannot be looked up now', 'look at DNS'],
  EHOSTUNREACH: ['no way to the host', 'look at routes and firewalls'],
  ENETUNREACH: ['no way to the network', 'look at routes and firewalls'],
  ETIMEDOUT: ['the host does not answer', 'look at firewalls'],
  ECONNRESET: ['the connection was cut', 'look at the log of the database'],
  EPIPE: ['the connection was cut', 'look at the log of the database'],
  ENOENT: ['there is no such socket', 'start the database, or correct the path'],
});

/** OpenSSL's names, as Node gives them. */
const TLS: Readonly<Record<string, readonly [plain: string, advice: string]>> = Object.freeze({
  SELF_SIGNED_CERT_IN_CHAIN: ['the authority of its certificate is not trusted', 'name it by ?ca=FILE'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is self-signed', 'name it by ?ca=FILE'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['the authority of its certificate is not trusted', 'name it by ?ca=FILE'],
  UNABLE_TO_GET_ISSUER_CERT: ['the authority of its certificate is not trusted', 'name it by ?ca=FILE'],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['the authority of its certificate is not trusted', 'name it by ?ca=FILE'],
  CERT_SIGNATURE_FAILURE: ['its certificate is not of the authority that ?ca= names', 'name the right one'],
  CERT_HAS_EXPIRED: ['its certificate has expired', 'renew it on the database server'],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', 'look at the clocks'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'its certificate is for another name',
    'use that name in the URL, or ?servername=NAME, or ?tls=verify-ca',
  ],
});

/** null when the error is none of a connection. */
export function describeConnectionFault(error: unknown): ConnectionFault | null {
  const code = codeOf(error);
  const lost = Object.hasOwn(UNREACHABLE, code) ? UNREACHABLE[code] : undefined;
  if (lost !== undefined) return { fault: 'unreachable', plain: lost[0], advice: lost[1] };
  const untrusted = Object.hasOwn(TLS, code) ? TLS[code] : undefined;
  if (untrusted !== undefined) return { fault: 'denied', plain: `TLS: ${untrusted[0]}`, advice: untrusted[1] };
  if (/^ERR_SSL|^ERR_TLS|^ERR_OSSL|^EPROTO/.test(code)) return describeTlsMessage(messageOf(error));
  return null;
}

/** What OpenSSL says in words, where a driver hides its code. */
const TLS_WORDS: readonly (readonly [RegExp, string])[] = [
  [/self.signed certificate in/, 'SELF_SIGNED_CERT_IN_CHAIN'],
  [/self.signed/, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [/unable to (verify|get)/, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  [/signature failure/, 'CERT_SIGNATURE_FAILURE'],
  [/has expired/, 'CERT_HAS_EXPIRED'],
  [/not yet valid/, 'CERT_NOT_YET_VALID'],
  [/does not match certificate/, 'ERR_TLS_CERT_ALTNAME_INVALID'],
];

/** What a message about TLS means. */
export function describeTlsMessage(message: string): ConnectionFault {
  const code = TLS_WORDS.find(([words]) => words.test(message))?.[1] ?? '';
  const known = TLS[code];
  if (known === undefined) return { fault: 'denied', plain: `TLS: ${message}` };
  return { fault: 'denied', plain: `TLS: ${known[0]}`, advice: known[1] };
}

/** The error's code, or that of the first of several (a host with several addresses); empty where there is none. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** The first line of its message. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
