// The messages of a TURN client: requests as bytes, answers as plain values. The only file of bench/ that reads and
// writes STUN messages. Knows no sockets and no state.

import { Attribute } from '../src/stun/attributes.ts';
import { parseIp } from '../src/stun/ip-address.ts';
import { ABSENT, MessageView, ParseStatus, parseMessage } from '../src/stun/message-view.ts';
import { MessageWriter } from '../src/stun/message-writer.ts';
import { HEADER_LENGTH, MessageClass, Method, messageType, TRANSACTION_ID_LENGTH } from '../src/stun/methods.ts';
import { copyText, readErrorCode, readLifetime, readXorAddress } from '../src/stun/readers.ts';
import { TransportWords } from '../src/stun/transport-address.ts';

const PROTOCOL_UDP = 17;
const MAX_REQUEST_LENGTH = 1024;

/** A literal IP address and a port. */
export interface Address {
  readonly address: string;
  readonly port: number;
}

/** What a request asks for; which of it is due depends on the method. */
export interface RequestFields {
  readonly lifetime?: number;
  readonly peer?: Address;
  readonly channel?: number;
}

/** What makes a request authenticated: a long-term key and the server's challenge. */
export interface Authentication {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly key: Buffer;
}

/** A response to a request, success or error. */
export interface Answer {
  /** The transaction ID as hexadecimal digits. */
  readonly transactionId: string;
  /** 0 for success. */
  readonly errorCode: number;
  readonly realm: string | null;
  readonly nonce: string | null;
  /** Seconds, or -1 if the answer has none. */
  readonly lifetime: number;
  readonly relayed: Address | null;
}

function addFields(writer: MessageWriter, method: Method, fields: RequestFields): void {
  if (method === Method.ALLOCATE) writer.uint32(Attribute.REQUESTED_TRANSPORT, (PROTOCOL_UDP << 24) >>> 0);
  if (fields.lifetime !== undefined) writer.uint32(Attribute.LIFETIME, fields.lifetime);
  if (fields.channel !== undefined) writer.uint32(Attribute.CHANNEL_NUMBER, (fields.channel << 16) >>> 0);
  if (fields.peer === undefined) return;
  const ip = parseIp(fields.peer.address);
  if (ip === null) throw new TypeError(`not an IP address: ${fields.peer.address}`);
  writer.xorAddress(Attribute.XOR_PEER_ADDRESS, ip, fields.peer.port);
}

/** A request in a buffer of its own, which the caller may keep for retransmissions. */
export function writeRequest(
  method: Method,
  transactionId: Buffer,
  fields: RequestFields,
  authentication: Authentication | null,
): Buffer {
  const buffer = Buffer.alloc(MAX_REQUEST_LENGTH);
  const writer = new MessageWriter();
  writer.begin(buffer, 0, messageType(method, MessageClass.REQUEST), transactionId, 0);
  addFields(writer, method, fields);
  if (authentication !== null) {
    writer.text(Attribute.USERNAME, authentication.username);
    writer.text(Attribute.REALM, authentication.realm);
    writer.text(Attribute.NONCE, authentication.nonce);
    writer.integrity(Attribute.MESSAGE_INTEGRITY, authentication.key);
  }
  return buffer.subarray(0, writer.end);
}

function relayedAddress(view: MessageView): Address | null {
  const offset = view.find(Attribute.XOR_RELAYED_ADDRESS);
  if (offset === ABSENT) return null;
  const words = new TransportWords();
  if (!readXorAddress(view, offset, words)) return null;
  const copy = words.copyAddress();
  return { address: copy.ip.text, port: copy.port };
}

/** Reads a datagram as a response; null if it is something else. */
export function readAnswer(datagram: Buffer): Answer | null {
  const view = new MessageView();
  if (parseMessage(datagram, 0, datagram.length, view) !== ParseStatus.OK) return null;
  const { messageClass } = view;
  if (messageClass !== MessageClass.SUCCESS && messageClass !== MessageClass.ERROR) return null;
  return {
    transactionId: datagram.toString('hex', HEADER_LENGTH - TRANSACTION_ID_LENGTH, HEADER_LENGTH),
    errorCode: messageClass === MessageClass.ERROR ? readErrorCode(view) : 0,
    realm: copyText(view, Attribute.REALM),
    nonce: copyText(view, Attribute.NONCE),
    lifetime: readLifetime(view),
    relayed: relayedAddress(view),
  };
}
