// Owns the ways in which a client fails, so that whoever uses one can tell them apart. It knows no words for operators
// beyond one sentence: advice is the caller's business.

import { TurnServerError } from '../errors.ts';
import { ErrorCode } from '../stun/error-codes.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { CertificateDetails } from './certificate-details.ts';

/** In what way a client failed. */
export type ClientFault =
  /** The URI is wrong, or asks for something that it must not. */
  | 'uri'
  /** The name leads to no address. */
  | 'resolution'
  /** No answer came. */
  | 'timeout'
  /** Answers come, but from another address than the one asked. */
  | 'other-source'
  /** Nothing listens there: connection refused, or ICMP port unreachable. */
  | 'refused'
  /** No route, or the network is down. */
  | 'unreachable'
  /** The connection ended. */
  | 'closed'
  /** TLS: the handshake, the name or the chain. */
  | 'tls'
  /** The server answered with an error code: see {@link ClientError.errorCode}. */
  | 'rejected'
  /** Answers came, but none under our key (RFC 8489 §9.2.5). */
  | 'integrity'
  /** The challenge was tampered with, or offers nothing that we can do (RFC 8489 §9.2.5). */
  | 'bid-down'
  /** An answer that makes no sense. */
  | 'protocol'
  /** Something that this client cannot do yet. */
  | 'unsupported'
  /** The RFC forbids to ask again so soon: see {@link ClientError.waitMs}. */
  | 'wait';

/** What is known beside the sentence. */
export interface ClientErrorDetails {
  readonly errorCode?: number;
  readonly reason?: string;
  readonly realm?: string;
  readonly waitMs?: number;
  readonly certificate?: CertificateDetails | null;
  readonly cause?: unknown;
}

/** A client could not do what it was asked. */
export class ClientError extends TurnServerError {
  readonly fault: ClientFault;
  /** The server's error code; for `integrity` the code that came unsigned; else 0. */
  readonly errorCode: number;
  /** The server's own words with {@link errorCode}: foreign text. */
  readonly reason: string;
  /** For 401 and 438: the realm of the server; foreign text. */
  readonly realm: string;
  /** For `wait`: how long, in milliseconds; else 0. */
  readonly waitMs: number;
  /** For `tls`: what the server showed, if it came to that. */
  readonly certificate: CertificateDetails | null;

  constructor(fault: ClientFault, message: string, details: ClientErrorDetails = {}) {
    super('TURN_CLIENT', message, { cause: details.cause });
    this.fault = fault;
    this.errorCode = details.errorCode ?? 0;
    this.reason = details.reason ?? '';
    this.realm = details.realm ?? '';
    this.waitMs = details.waitMs ?? 0;
    this.certificate = details.certificate ?? null;
  }
}

/** The server sends us elsewhere (300, RFC 8489 §10). */
export class RedirectError extends ClientError {
  readonly servers: readonly TransportAddress[];
  /** ALTERNATE-DOMAIN: the name that the other server's certificate carries; null if it is the same. */
  readonly domain: string | null;

  constructor(message: string, servers: readonly TransportAddress[], domain: string | null) {
    super('rejected', message, { errorCode: ErrorCode.TRY_ALTERNATE, reason: 'Try Alternate' });
    this.servers = servers;
    this.domain = domain;
  }
}

const REFUSED = ['ECONNREFUSED'];
const UNREACHABLE = ['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EPERM', 'EACCES'];

/** The client error for what a socket says. */
export function socketError(what: string, cause: unknown): ClientError {
  if (cause instanceof ClientError) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (REFUSED.includes(code)) return new ClientError('refused', `${what}: connection refused`, { cause });
  if (UNREACHABLE.includes(code)) return new ClientError('unreachable', `${what}: unreachable (${code})`, { cause });
  if (code === 'ETIMEDOUT') return new ClientError('timeout', `${what}: no answer`, { cause });
  return new ClientError('closed', `${what}: ${code === '' ? 'the connection failed' : code}`, { cause });
}
