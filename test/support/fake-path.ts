// A path to a server that a test plays: what the client sends is kept, and answered by a function.

import type { CertificateDetails } from '../../src/client/certificate-details.ts';
import type { ClientTransport, TransportListener } from '../../src/client/transport.ts';
import { parseIp } from '../../src/stun/ip-address.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { type Decoded, decode, type MessageInput, message } from './wire.ts';

/** What the server says to a message: messages to send back. */
export type Answers = (request: Decoded, count: number) => readonly Buffer[];

/** An address for tests. */
export function address(ip: string, port: number): TransportAddress {
  const parsed = parseIp(ip);
  if (parsed === null) throw new Error(`no address: ${ip}`);
  return new TransportAddress(parsed, port);
}

export const SERVER: TransportAddress = address('192.0.2.1', 3478);

/** A path in memory. */
export class FakePath implements ClientTransport {
  readonly kind: 'udp' | 'tcp';
  readonly isReliable: boolean;
  readonly local: TransportAddress = address('192.0.2.9', 4000);
  readonly remote: TransportAddress;
  readonly certificate: CertificateDetails | null = null;
  /** Everything that was sent. */
  readonly sent: Buffer[] = [];
  isClosed = false;
  readonly #answers: Answers;
  #listener: TransportListener | null = null;

  constructor(answers: Answers = () => [], kind: 'udp' | 'tcp' = 'udp', remote: TransportAddress = SERVER) {
    this.#answers = answers;
    this.kind = kind;
    this.isReliable = kind === 'tcp';
    this.remote = remote;
  }

  /** The requests among what was sent. */
  get requests(): Decoded[] {
    return this.sent.filter((bytes) => bytes.readUInt8(0) < 0x40).map(decode);
  }

  listen(listener: TransportListener): void {
    this.#listener = listener;
  }

  get listener(): TransportListener {
    if (this.#listener === null) throw new Error('nobody listens');
    return this.#listener;
  }

  send(bytes: Buffer): void {
    this.sent.push(bytes);
    if (bytes.readUInt8(0) >= 0x40) return;
    const answers = this.#answers(decode(bytes), this.sent.length);
    for (const answer of answers) setImmediate(() => this.deliver(answer));
  }

  /** Something arrives. */
  deliver(bytes: Buffer): void {
    if (!this.isClosed) this.#listener?.onFrame(bytes, 0, bytes.length);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

/** A response to a request: its class replaced (2 success, 3 error), its transaction ID kept. */
export function respond(request: Decoded, cls: 2 | 3, input: Omit<MessageInput, 'type' | 'tid'> = {}): Buffer {
  const classBits = cls === 2 ? 0x0100 : 0x0110;
  return message({ type: request.type | classBits, tid: Buffer.from(request.tid), ...input });
}

/** The value of ERROR-CODE. */
export function errorCode(code: number, reason = ''): Buffer {
  return Buffer.concat([Buffer.from([0, 0, Math.trunc(code / 100), code % 100]), Buffer.from(reason)]);
}
