// Turns replies into bytes: the one place that decides REALM, NONCE, PASSWORD-ALGORITHMS, SOFTWARE, integrity and
// FINGERPRINT, for success and error alike.

import { Attribute } from '../stun/attributes.ts';
import { reasonPhrase } from '../stun/error-codes.ts';
import type { IntegrityAttribute } from '../stun/integrity.ts';
import { ABSENT, type MessageView } from '../stun/message-view.ts';
import { MessageWriter } from '../stun/message-writer.ts';
import { MessageClass, messageType, TRANSACTION_ID_LENGTH } from '../stun/methods.ts';
import { type Elsewhere, isChallenge, type Reject, type ReplyAttribute, type Success } from './reply.ts';
import type { EngineSettings } from './settings.ts';

/** PASSWORD-ALGORITHMS as offered: SHA-256 before MD5, no parameters (RFC 8489 §14.11, RFC 8656 §6). */
export const OFFERED_ALGORITHMS: Buffer = Buffer.from('0002000000010000', 'hex');

/** With what the response to an authenticated request is protected. */
export interface ReplyIntegrity {
  readonly attribute: IntegrityAttribute;
  readonly key: Buffer;
}

/** What a reply needs of its request once the request's buffer is gone. */
export interface ReplyHead {
  readonly method: number;
  readonly transactionId: Buffer;
  readonly fingerprint: boolean;
  /** REALM of a challenge; empty for a reply that cannot be one. */
  readonly realm: string;
}

/** Copies what a reply needs from a request, which may then be overwritten. @param realm of the request */
export function copyHead(view: MessageView, realm: string): ReplyHead {
  const at = view.start + 8;
  return {
    method: view.method,
    transactionId: Buffer.from(view.buffer.subarray(at, at + TRANSACTION_ID_LENGTH)),
    fingerprint: view.fingerprintOffset !== ABSENT,
    realm,
  };
}

// Far more than any reply: realm and nonce are bounded, and a 420 lists at most 32 types.
const REPLY_ROOM = 4096;

/** Builds one reply at a time into {@link buffer}. */
export class ReplyBuilder {
  readonly buffer: Buffer = Buffer.alloc(REPLY_ROOM);
  readonly #writer: MessageWriter = new MessageWriter();
  readonly #settings: EngineSettings;

  constructor(settings: EngineSettings) {
    this.#settings = settings;
  }

  /** Builds a success response; returns its length. */
  success(head: ReplyHead, reply: Success, integrity: ReplyIntegrity | null): number {
    this.#begin(head, MessageClass.SUCCESS);
    for (const attribute of reply.attributes) writeAttribute(this.#writer, attribute);
    return this.#finish(head, integrity);
  }

  /**
   * Builds an error response; returns its length. A reason phrase is sent only to clients that have authenticated:
   * to anybody else it would be amplification.
   * @param nonce for a challenge, else ''
   */
  reject(head: ReplyHead, reply: Reject, integrity: ReplyIntegrity | null, nonce: string): number {
    this.#begin(head, MessageClass.ERROR);
    this.#writer.errorCode(reply.code, integrity === null ? '' : reasonPhrase(reply.code));
    if (reply.unknown.length > 0) this.#writer.unknownAttributes(reply.unknown);
    if (reply.elsewhere !== null) this.#redirect(reply.elsewhere);
    if (isChallenge(reply)) this.#challenge(head.realm, nonce);
    return this.#finish(head, integrity);
  }

  #begin(head: ReplyHead, messageClass: MessageClass): void {
    this.#writer.begin(this.buffer, 0, messageType(head.method, messageClass), head.transactionId, 0);
  }

  // PASSWORD-ALGORITHMS is in every challenge or in none (RFC 8489 §9.2.4, §9.2.5).
  #challenge(realm: string, nonce: string): void {
    this.#writer.text(Attribute.REALM, realm);
    this.#writer.text(Attribute.NONCE, nonce);
    if (this.#settings.passwordAlgorithms) this.#writer.bytes(Attribute.PASSWORD_ALGORITHMS, OFFERED_ALGORITHMS);
  }

  #redirect({ addresses, domain }: Elsewhere): void {
    for (const { ip, port } of addresses) this.#writer.plainAddress(Attribute.ALTERNATE_SERVER, ip, port);
    if (domain !== '') this.#writer.text(Attribute.ALTERNATE_DOMAIN, domain);
  }

  #finish(head: ReplyHead, integrity: ReplyIntegrity | null): number {
    if (this.#settings.software !== '') this.#writer.text(Attribute.SOFTWARE, this.#settings.software);
    if (integrity !== null) this.#writer.integrity(integrity.attribute, integrity.key);
    if (head.fingerprint) this.#writer.fingerprint();
    return this.#writer.end;
  }
}

function writeAttribute(writer: MessageWriter, attribute: ReplyAttribute): void {
  switch (attribute.type) {
    case Attribute.XOR_MAPPED_ADDRESS:
    case Attribute.XOR_RELAYED_ADDRESS:
      return writer.xorAddress(attribute.type, attribute.address.ip, attribute.address.port);
    case Attribute.LIFETIME:
      return writer.uint32(attribute.type, attribute.seconds);
    case Attribute.RESERVATION_TOKEN:
      return writer.bytes(attribute.type, attribute.token);
    case Attribute.ADDRESS_ERROR_CODE:
      return writer.addressErrorCode(attribute.family, attribute.code, reasonPhrase(attribute.code));
  }
}
