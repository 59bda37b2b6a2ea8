// Asks a STUN server which address it sees (RFC 8489 Binding): one short exchange over one socket. Knows nothing of
// what the answer is used for.

import { randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { Attribute } from '../stun/attributes.ts';
import { AddressWords, type IpAddress, readIpText } from '../stun/ip-address.ts';
import { ABSENT, MessageView, ParseStatus, parseMessage } from '../stun/message-view.ts';
import {
  HEADER_LENGTH,
  MAGIC_COOKIE,
  MessageClass,
  Method,
  messageType,
  TRANSACTION_ID_LENGTH,
} from '../stun/methods.ts';
import { readXorAddress } from '../stun/readers.ts';
import { type TransportAddress, TransportWords } from '../stun/transport-address.ts';

/** Opens a UDP socket and starts to bind it to a free port of `local`. */
export type OpenSocket = (local: IpAddress) => Socket;

/** One exchange. */
export interface StunProbe {
  /** The server; its family is the family asked for. */
  readonly server: TransportAddress;
  /** The address to ask from: a NAT may map another one differently. */
  readonly local: IpAddress;
  readonly timeoutMs: number;
  readonly openSocket: OpenSocket;
}

/** How often the request is sent in all, evenly over the time: UDP loses packets. */
const ATTEMPTS = 3;

/** The mapped address, or null when no answer comes in time or the socket fails. Never rejects. */
export function probeMappedAddress(probe: StunProbe): Promise<IpAddress | null> {
  const { server, timeoutMs } = probe;
  const request = bindingRequest();
  return new Promise((resolve) => {
    const socket = probe.openSocket(probe.local);
    let open = true;
    const end = (mapped: IpAddress | null) => {
      if (!open) return;
      open = false;
      clearInterval(again);
      clearTimeout(deadline);
      socket.close();
      resolve(mapped);
    };
    const send = () => socket.send(request, server.port, server.ip.text, () => {});
    const again = setInterval(send, timeoutMs / ATTEMPTS);
    const deadline = setTimeout(() => end(null), timeoutMs);
    socket.on('error', () => end(null));
    socket.on('message', (answer, from) => {
      if (!isFrom(server, from)) return;
      const mapped = readAnswer(answer, request);
      if (mapped !== null && mapped.family === server.ip.family) end(mapped);
    });
    send();
  });
}

/** The ordinary socket of {@link probeMappedAddress}. */
export function openUdpSocket(local: IpAddress): Socket {
  const socket = createSocket(local.family === 4 ? 'udp4' : 'udp6');
  return socket.bind({ port: 0, address: local.text });
}

function isFrom(server: TransportAddress, from: RemoteInfo): boolean {
  const words = new AddressWords();
  if (from.port !== server.port || !readIpText(from.address, words)) return false;
  return server.ip.sameWords(words.family, words.w0, words.w1, words.w2, words.w3);
}

function bindingRequest(): Buffer {
  const request = Buffer.alloc(HEADER_LENGTH);
  request.writeUInt16BE(messageType(Method.BINDING, MessageClass.REQUEST), 0);
  request.writeUInt32BE(MAGIC_COOKIE, 4);
  randomBytes(TRANSACTION_ID_LENGTH).copy(request, HEADER_LENGTH - TRANSACTION_ID_LENGTH);
  return request;
}

/** The mapped address of a success response to this very request, else null. */
function readAnswer(answer: Buffer, request: Buffer): IpAddress | null {
  const view = new MessageView();
  if (parseMessage(answer, 0, answer.length, view) !== ParseStatus.OK) return null;
  if (view.method !== Method.BINDING || view.messageClass !== MessageClass.SUCCESS) return null;
  if (answer.compare(request, 8, HEADER_LENGTH, 8, HEADER_LENGTH) !== 0) return null;
  const offset = view.find(Attribute.XOR_MAPPED_ADDRESS);
  const mapped = new TransportWords();
  return offset !== ABSENT && readXorAddress(view, offset, mapped) ? mapped.copyAddress().ip : null;
}
