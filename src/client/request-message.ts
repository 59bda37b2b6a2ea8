// Writes the client's messages. Owns which attributes go where; values come from the caller.

import { Attribute } from '../stun/attributes.ts';
import type { IpAddress, IpFamily } from '../stun/ip-address.ts';
import { PasswordAlgorithm } from '../stun/keys.ts';
import { MessageWriter } from '../stun/message-writer.ts';
import { MessageClass, Method, messageType } from '../stun/methods.ts';
import { FAMILY_CODE_IPV4, FAMILY_CODE_IPV6 } from '../stun/readers.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { Authentication } from './challenge.ts';

/** UDP in REQUESTED-TRANSPORT. */
export const PROTOCOL_UDP = 17;

/** What a request asks for; which of it is due depends on the method. */
export interface RequestFields {
  /** REQUESTED-TRANSPORT. */
  readonly protocol?: number;
  /** REQUESTED-ADDRESS-FAMILY. */
  readonly family?: IpFamily;
  /** LIFETIME in seconds. */
  readonly lifetime?: number;
  readonly channel?: number;
  /** XOR-PEER-ADDRESS, once for each. */
  readonly peers?: readonly { readonly ip: IpAddress; readonly port: number }[];
}

// A nonce and a realm of 763 bytes each, a name of 508, algorithms, and a hundred peers.
const MAX_REQUEST_LENGTH = 4096;
// Bytes of a Send indication beside its data.
const SEND_OVERHEAD = 64;

/** A request in a buffer of its own, to be kept for retransmissions. */
export function writeRequest(
  method: Method,
  transactionId: Buffer,
  fields: RequestFields,
  authentication: Authentication | null,
): Buffer {
  const writer = new MessageWriter();
  writer.begin(Buffer.alloc(MAX_REQUEST_LENGTH), 0, messageType(method, MessageClass.REQUEST), transactionId, 0);
  writeFields(writer, fields);
  if (authentication !== null) writeAuthentication(writer, authentication);
  writer.fingerprint();
  return writer.buffer.subarray(0, writer.end);
}

/** A Send indication (RFC 8656 §11.1). */
export function writeSendIndication(transactionId: Buffer, peer: TransportAddress, data: Uint8Array): Buffer {
  const writer = new MessageWriter();
  const type = messageType(Method.SEND, MessageClass.INDICATION);
  writer.begin(Buffer.alloc(SEND_OVERHEAD + data.length + 4), 0, type, transactionId, 0);
  writer.xorAddress(Attribute.XOR_PEER_ADDRESS, peer.ip, peer.port);
  writer.bytes(Attribute.DATA, data);
  return writer.buffer.subarray(0, writer.end);
}

function writeFields(writer: MessageWriter, fields: RequestFields): void {
  const { protocol, family, lifetime, channel, peers = [] } = fields;
  if (protocol !== undefined) writer.uint32(Attribute.REQUESTED_TRANSPORT, (protocol << 24) >>> 0);
  if (family !== undefined) {
    const code = family === 6 ? FAMILY_CODE_IPV6 : FAMILY_CODE_IPV4;
    writer.uint32(Attribute.REQUESTED_ADDRESS_FAMILY, code << 24);
  }
  if (lifetime !== undefined) writer.uint32(Attribute.LIFETIME, lifetime);
  if (channel !== undefined) writer.uint32(Attribute.CHANNEL_NUMBER, (channel << 16) >>> 0);
  for (const { ip, port } of peers) writer.xorAddress(Attribute.XOR_PEER_ADDRESS, ip, port);
}

// RFC 8489 §9.2.3.2: the list goes back as it came, so that the server sees whether somebody shortened it.
function writeAuthentication(writer: MessageWriter, authentication: Authentication): void {
  const { username, userhash, realm, nonce, key, algorithm, offeredAlgorithms } = authentication;
  if (userhash !== null) writer.bytes(Attribute.USERHASH, userhash);
  else writer.text(Attribute.USERNAME, username);
  writer.bytes(Attribute.REALM, realm);
  writer.bytes(Attribute.NONCE, nonce);
  if (offeredAlgorithms !== null) {
    writer.bytes(Attribute.PASSWORD_ALGORITHMS, offeredAlgorithms);
    writer.uint32(Attribute.PASSWORD_ALGORITHM, (algorithm ?? PasswordAlgorithm.MD5) << 16);
  }
  writer.integrity(authentication.integrity, key);
}
