// A TURN client on a real socket: sends raw bytes over UDP, TCP or TLS, and knows the long-term credential dance well
// enough for tests to start from an allocation. Bytes come from wire.ts.

import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { DatagramPeer } from './datagram-peer.ts';
import { Inbox } from './inbox.ts';
import { whenClosed } from './when-closed.ts';
import { type AttributeInput, attr, channelData, type Decoded, decode, message, unitLength } from './wire.ts';
import {
  channelNumber,
  data,
  longTermKey,
  nonce,
  realm,
  requestedTransport,
  username,
  xorPeerAddress,
} from './wire-attributes.ts';

export type RawTransport = 'udp' | 'tcp' | 'tls';

export interface RawClientOptions {
  readonly transport?: RawTransport;
  readonly port: number;
  /** The server's address; loopback by default. */
  readonly host?: string;
  readonly user?: string;
  readonly password?: string;
  /** A UDP socket that several clients share: theirs is the server port. */
  readonly socket?: DatagramPeer;
}

/** Message types of requests. */
export const REQUEST = {
  binding: 0x0001,
  allocate: 0x0003,
  refresh: 0x0004,
  createPermission: 0x0008,
  channelBind: 0x0009,
} as const;

// Only a server that has failed leaves a request without answer for so long.
const PATIENCE_MS = 30_000;

/** One five-tuple as its client sees it. */
export class RawClient {
  readonly user: string;
  readonly password: string;
  /** The last challenge. */
  realm = '';
  nonce = '';
  readonly transport: RawTransport;
  readonly #inbox = new Inbox<Buffer>();
  readonly #waiting = new Map<string, (answer: Decoded) => void>();
  /** Transactions that may be answered more than once. */
  readonly #repeated = new Set<string>();
  readonly #write: (bytes: Buffer) => unknown;
  readonly #close: () => void;
  /** The connection, or null over UDP. */
  readonly socket: Socket | null;
  /** The UDP socket, or null. */
  readonly datagrams: DatagramPeer | null;
  /** Settles when the connection is closed. */
  readonly closed: Promise<unknown>;
  #stream: Buffer = Buffer.alloc(0);

  static async open(options: RawClientOptions): Promise<RawClient> {
    const { transport = 'udp', port, host = '127.0.0.1' } = options;
    if (transport === 'udp') {
      const socket = options.socket ?? (await DatagramPeer.open(host.includes(':') ? '::' : '0.0.0.0'));
      return new RawClient(options, null, socket);
    }
    const socket =
      transport === 'tcp' ? connectTcp({ host, port }) : connectTls({ host, port, rejectUnauthorized: false });
    await once(socket, transport === 'tcp' ? 'connect' : 'secureConnect');
    return new RawClient(options, socket, null);
  }

  private constructor(options: RawClientOptions, socket: Socket | null, datagrams: DatagramPeer | null) {
    const { host = '127.0.0.1', port } = options;
    this.user = options.user ?? 'alice';
    this.password = options.password ?? 'secret-of-alice';
    this.transport = options.transport ?? 'udp';
    this.socket = socket;
    this.datagrams = datagrams;
    if (socket !== null) {
      socket.setNoDelay();
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => this.#read(chunk));
      this.closed = whenClosed(socket);
      this.#write = (bytes) => socket.write(bytes);
      this.#close = () => socket.destroy();
    } else {
      const peer = datagrams as DatagramPeer;
      peer.socket.on('message', (bytes, from) => {
        if (from.port === port) this.#unit(bytes);
      });
      this.closed = once(peer.socket, 'close');
      this.#write = (bytes) => peer.socket.send(bytes, port, host);
      this.#close = () => peer.close();
    }
  }

  get isStream(): boolean {
    return this.socket !== null;
  }

  /** Puts bytes on the wire as they are. */
  send(bytes: Buffer): void {
    this.#write(bytes);
  }

  /** The next unit that answers no {@link exchange}: ChannelData, an indication, an unexpected response. */
  next(): Promise<Buffer> {
    return patiently('something to read', this.#inbox.next());
  }

  /** How many such units have come and wait to be read. */
  get unread(): number {
    return this.#inbox.size;
  }

  /** The payload of the next ChannelData or Data indication. */
  async nextData(): Promise<Buffer> {
    const bytes = await this.next();
    const isChannelData = (bytes[0] ?? 0) >= 0x40;
    if (isChannelData) return bytes.subarray(4, 4 + bytes.readUInt16BE(2));
    return decode(bytes).get(attr.data) ?? Buffer.alloc(0);
  }

  /** Sends a message and waits for the answer to its transaction. */
  exchange(bytes: Buffer, milliseconds: number = PATIENCE_MS): Promise<Decoded> {
    const tid = bytes.toString('hex', 8, 20);
    const answer = new Promise<Decoded>((resolve) => this.#waiting.set(tid, resolve));
    this.send(bytes);
    return patiently('an answer', answer, milliseconds);
  }

  /** A Binding round trip: whatever was sent before has been handled once it resolves. */
  binding(): Promise<Decoded> {
    return this.exchange(message({ type: REQUEST.binding }));
  }

  /** Repeats a Binding request until it is answered: for a server that is not known to be ready. */
  async knock(milliseconds: number = PATIENCE_MS): Promise<void> {
    const bytes = message({ type: REQUEST.binding });
    this.#repeated.add(bytes.toString('hex', 8, 20));
    const again = setInterval(() => this.send(bytes), 50);
    await this.exchange(bytes, milliseconds).finally(() => clearInterval(again));
  }

  /** Asks for a challenge and keeps it. */
  async challenge(): Promise<Decoded> {
    const answer = await this.exchange(message({ type: REQUEST.allocate, attrs: [requestedTransport()] }));
    this.realm = answer.text(attr.realm) ?? '';
    this.nonce = answer.text(attr.nonce) ?? '';
    return answer;
  }

  /** The bytes of a signed request. */
  signed(type: number, attrs: readonly AttributeInput[]): Buffer {
    const credentials = [username(this.user), realm(this.realm), nonce(this.nonce)];
    const key = longTermKey(this.user, this.realm, this.password);
    return message({ type, attrs: [...attrs, ...credentials], key });
  }

  /** Sends a signed request, after a challenge if there was none. */
  async request(type: number, attrs: readonly AttributeInput[]): Promise<Decoded> {
    if (this.nonce === '') await this.challenge();
    return this.exchange(this.signed(type, attrs));
  }

  allocate(attrs: readonly AttributeInput[] = []): Promise<Decoded> {
    return this.request(REQUEST.allocate, [requestedTransport(), ...attrs]);
  }

  /** Allocates, or throws with the error code. */
  async allocated(attrs: readonly AttributeInput[] = []): Promise<{ ip: string; port: number }> {
    const answer = await this.allocate(attrs);
    const relayed = answer.xorAddress(attr.xorRelayedAddress);
    if (relayed === undefined) throw new Error(`no allocation: ${answer.errorCode}`);
    const [, ip = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(relayed) ?? [];
    return { ip, port: Number(port) };
  }

  permit(ip: string): Promise<Decoded> {
    return this.request(REQUEST.createPermission, [xorPeerAddress(ip, 0)]);
  }

  bind(channel: number, ip: string, port: number): Promise<Decoded> {
    return this.request(REQUEST.channelBind, [channelNumber(channel), xorPeerAddress(ip, port)]);
  }

  sendChannel(channel: number, payload: string | Buffer): void {
    this.send(channelData(channel, payload, { pad: this.isStream }));
  }

  sendTo(ip: string, port: number, payload: string | Buffer): void {
    this.send(message({ type: 0x0016, attrs: [xorPeerAddress(ip, port), data(payload)] }));
  }

  close(): void {
    this.#close();
  }

  #read(chunk: Buffer): void {
    this.#stream = Buffer.concat([this.#stream, chunk]);
    for (let length = unitLength(this.#stream); length > 0; length = unitLength(this.#stream)) {
      const unit = this.#stream.subarray(0, length);
      this.#stream = this.#stream.subarray(length);
      this.#unit(unit);
    }
  }

  #unit(bytes: Buffer): void {
    const tid = bytes.length >= 20 ? bytes.toString('hex', 8, 20) : '';
    const isResponse = bytes.length >= 20 && (bytes[0] ?? 0xff) < 0x40 && (bytes.readUInt16BE(0) & 0x0100) !== 0;
    const waiting = isResponse ? this.#waiting.get(tid) : undefined;
    if (waiting === undefined && this.#repeated.has(tid)) return;
    if (waiting === undefined) return this.#inbox.put(bytes);
    this.#waiting.delete(tid);
    waiting(decode(bytes));
  }
}

/** The value, or an error that says what did not come. */
export function patiently<T>(what: string, value: Promise<T>, milliseconds: number = PATIENCE_MS): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} did not come`)), milliseconds);
    value.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
