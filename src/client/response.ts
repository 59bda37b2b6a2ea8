// A response as the client reads it: a copy of the message, which may outlive its buffer. Owns which answers count under
// a key and which are as if they had never come (RFC 8489 §9.2.5).

import { Attribute } from '../stun/attributes.ts';
import { ErrorCode, reasonPhrase } from '../stun/error-codes.ts';
import { checkIntegrity } from '../stun/integrity.ts';
import { type IpAddress, parseIp } from '../stun/ip-address.ts';
import { ABSENT, MessageView, ParseStatus, parseMessage } from '../stun/message-view.ts';
import { MessageClass } from '../stun/methods.ts';
import { copyText, FAMILY_CODE_IPV6, readErrorCode, readXorAddress } from '../stun/readers.ts';
import { TransportAddress, TransportWords } from '../stun/transport-address.ts';
import type { Authentication } from './challenge.ts';
import { ClientError, RedirectError } from './client-error.ts';
import type { Judged } from './transaction.ts';

/** Reads a frame into a view of a copy; null when it is no STUN message. */
export function copyMessage(buffer: Buffer, start: number, end: number): MessageView | null {
  const copy = Buffer.from(buffer.subarray(start, end));
  const view = new MessageView();
  return parseMessage(copy, 0, copy.length, view) === ParseStatus.OK ? view : null;
}

/** The error code of a response; 0 for success. */
export function errorCodeOf(view: MessageView): number {
  return view.messageClass === MessageClass.ERROR ? readErrorCode(view) : 0;
}

/** The server's words in ERROR-CODE, or the registry's: foreign text. */
export function reasonOf(view: MessageView): string {
  const offset = view.find(Attribute.ERROR_CODE);
  if (offset === ABSENT) return '';
  const text = view.buffer.toString('utf8', offset + 4, offset + view.lengthAt(offset));
  return text === '' ? reasonPhrase(readErrorCode(view)) : text;
}

/** The error that a refusal becomes. */
export function rejection(what: string, view: MessageView): ClientError {
  const errorCode = errorCodeOf(view);
  const reason = reasonOf(view);
  const message = `${what}: refused with ${errorCode}${reason === '' ? '' : ` (${reason})`}`;
  if (errorCode === ErrorCode.TRY_ALTERNATE) {
    const { servers, domain } = alternatesOf(view);
    return new RedirectError(message, servers, domain);
  }
  return new ClientError('rejected', message, { errorCode, reason, realm: copyText(view, Attribute.REALM) ?? '' });
}

/**
 * Whether a response to a request under this authentication counts. Challenges carry no integrity; everything else
 * must, in the attribute that the request had: less would let a stranger choose the weaker one.
 */
export function judgeResponse(
  what: string,
  view: MessageView,
  authentication: Authentication | null,
): Judged<MessageView> {
  const errorCode = errorCodeOf(view);
  if (errorCode < 0) return { discard: new ClientError('protocol', `${what}: an error response without ERROR-CODE`) };
  if (authentication === null || isChallenge(errorCode)) return { value: view };
  if (checkIntegrity(view, authentication.integrity, authentication.key)) return { value: view };
  const reason = reasonOf(view);
  const answer = errorCode === 0 ? 'the answer' : `the answer ${errorCode}${reason === '' ? '' : ` (${reason})`}`;
  const message = `${what}: ${answer} is not signed with our key`;
  return { discard: new ClientError('integrity', message, { errorCode, reason }) };
}

function isChallenge(errorCode: number): boolean {
  return errorCode === ErrorCode.UNAUTHENTICATED || errorCode === ErrorCode.STALE_NONCE;
}

/** The first XOR address of this type, or null. */
export function xorAddressOf(view: MessageView, type: Attribute): TransportAddress | null {
  const offset = view.find(type);
  const words = new TransportWords();
  return offset !== ABSENT && readXorAddress(view, offset, words) ? words.copyAddress() : null;
}

/** The mapped address; servers of RFC 3489 send it unmasked. */
export function mappedAddressOf(view: MessageView): TransportAddress | null {
  return xorAddressOf(view, Attribute.XOR_MAPPED_ADDRESS) ?? plainAddressAt(view, view.find(Attribute.MAPPED_ADDRESS));
}

/** Every ALTERNATE-SERVER of a 300, with ALTERNATE-DOMAIN (RFC 8489 §14.15, §14.16). */
function alternatesOf(view: MessageView): { servers: readonly TransportAddress[]; domain: string | null } {
  const servers: TransportAddress[] = [];
  for (
    let at = view.find(Attribute.ALTERNATE_SERVER);
    at !== ABSENT;
    at = view.findNext(Attribute.ALTERNATE_SERVER, at)
  ) {
    const server = plainAddressAt(view, at);
    if (server !== null) servers.push(server);
  }
  return { servers, domain: copyText(view, Attribute.ALTERNATE_DOMAIN) };
}

// An address that is not xored: zero(8) family(8) port(16) address(32 | 128) (RFC 8489 §14.1).
function plainAddressAt(view: MessageView, offset: number): TransportAddress | null {
  if (offset === ABSENT) return null;
  const length = view.lengthAt(offset);
  if (length !== 8 && length !== 20) return null;
  const isIpv6 = view.buffer[offset + 1] === FAMILY_CODE_IPV6;
  if (isIpv6 !== (length === 20)) return null;
  const ip = ipFrom(view.buffer.subarray(offset + 4, offset + length));
  return ip === null ? null : new TransportAddress(ip, view.buffer.readUInt16BE(offset + 2));
}

function ipFrom(bytes: Buffer): IpAddress | null {
  if (bytes.length === 4) return parseIp(bytes.join('.'));
  return parseIp((bytes.toString('hex').match(/.{4}/g) ?? []).join(':'));
}
