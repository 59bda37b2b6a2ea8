// What a handler may answer: exactly one of these. Which attributes go with every answer (REALM, NONCE, SOFTWARE,
// integrity, FINGERPRINT) is the reply builder's business alone.

import type { Attribute } from '../stun/attributes.ts';
import { ErrorCode } from '../stun/error-codes.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { Allocation } from './allocation.ts';
import type { DropReason } from './drop-reason.ts';

/** An attribute of a success response. */
export type ReplyAttribute =
  | {
      readonly type: typeof Attribute.XOR_MAPPED_ADDRESS | typeof Attribute.XOR_RELAYED_ADDRESS;
      readonly address: TransportAddress;
    }
  | { readonly type: typeof Attribute.LIFETIME; readonly seconds: number }
  | { readonly type: typeof Attribute.RESERVATION_TOKEN; readonly token: Buffer }
  | { readonly type: typeof Attribute.ADDRESS_ERROR_CODE; readonly family: 4 | 6; readonly code: ErrorCode };

/** A success response. */
export interface Success {
  readonly kind: 'success';
  readonly attributes: readonly ReplyAttribute[];
  /** The allocation that remembers the response for retransmissions, or null. */
  readonly cacheIn: Allocation | null;
}

/** An error response. */
export interface Reject {
  readonly kind: 'reject';
  readonly code: ErrorCode;
  /** What UNKNOWN-ATTRIBUTES lists; empty unless the code is 420. */
  readonly unknown: readonly number[];
  /** Where ALTERNATE-SERVER leads to, each of another family; null unless the code is 300. */
  readonly elsewhere: Elsewhere | null;
}

/** Other servers. */
export interface Elsewhere {
  readonly addresses: readonly TransportAddress[];
  /** ALTERNATE-DOMAIN; empty = not sent. */
  readonly domain: string;
}

/** The same bytes as for the first transmission of this transaction. */
export interface Repeat {
  readonly kind: 'repeat';
  readonly bytes: Buffer;
}

/** No answer at all. */
export interface Drop {
  readonly kind: 'drop';
  readonly reason: DropReason;
}

export type Reply = Success | Reject | Repeat | Drop;

/** A success with these attributes. */
export function success(attributes: readonly ReplyAttribute[], cacheIn: Allocation | null = null): Success {
  return { kind: 'success', attributes, cacheIn };
}

/** A drop for this reason. */
export function drop(reason: DropReason): Drop {
  return { kind: 'drop', reason };
}

/** 420 with the types that were not understood. */
export function unknownAttributes(types: readonly number[]): Reject {
  return { kind: 'reject', code: ErrorCode.UNKNOWN_ATTRIBUTE, unknown: types, elsewhere: null };
}

/** 300 with where to go. */
export function tryAlternate(elsewhere: Elsewhere): Reject {
  return { kind: 'reject', code: ErrorCode.TRY_ALTERNATE, unknown: [], elsewhere };
}

function reject(code: ErrorCode): Reject {
  return Object.freeze({ kind: 'reject', code, unknown: [], elsewhere: null });
}

export const BAD_REQUEST: Reject = reject(ErrorCode.BAD_REQUEST);
export const UNAUTHENTICATED: Reject = reject(ErrorCode.UNAUTHENTICATED);
export const STALE_NONCE: Reject = reject(ErrorCode.STALE_NONCE);
export const FORBIDDEN: Reject = reject(ErrorCode.FORBIDDEN);
export const ALLOCATION_MISMATCH: Reject = reject(ErrorCode.ALLOCATION_MISMATCH);
export const WRONG_CREDENTIALS: Reject = reject(ErrorCode.WRONG_CREDENTIALS);
export const ADDRESS_FAMILY_NOT_SUPPORTED: Reject = reject(ErrorCode.ADDRESS_FAMILY_NOT_SUPPORTED);
export const UNSUPPORTED_TRANSPORT_PROTOCOL: Reject = reject(ErrorCode.UNSUPPORTED_TRANSPORT_PROTOCOL);
export const PEER_ADDRESS_FAMILY_MISMATCH: Reject = reject(ErrorCode.PEER_ADDRESS_FAMILY_MISMATCH);
export const ALLOCATION_QUOTA_REACHED: Reject = reject(ErrorCode.ALLOCATION_QUOTA_REACHED);
export const SERVER_ERROR: Reject = reject(ErrorCode.SERVER_ERROR);
export const INSUFFICIENT_CAPACITY: Reject = reject(ErrorCode.INSUFFICIENT_CAPACITY);

/** Whether the reply carries a challenge: REALM and NONCE (RFC 8489 §9.2.4). */
export function isChallenge(reply: Reject): boolean {
  return reply.code === ErrorCode.UNAUTHENTICATED || reply.code === ErrorCode.STALE_NONCE;
}
