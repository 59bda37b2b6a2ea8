// One bound dgram socket with the discipline that the packet path needs: literal addresses, no callback per packet, a
// bounded queue, and no error that escapes. Knows nothing of clients, peers or TURN.

import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram';
import { TransportAddress } from '../../stun/transport-address.ts';
import { countError, type TrafficCounters } from '../plane-counters.ts';

/** Datagrams that may wait in one socket for the kernel; media that waits longer is worth nothing. */
export const MAX_QUEUED_DATAGRAMS = 64;
/** Bytes that may wait in one socket. */
const MAX_QUEUED_BYTES = 256 * 1024;

/** The largest UDP payloads: 65,535 less the UDP header and, in IPv4, the IP header. */
const MAX_PAYLOAD_IPV4 = 65_507;
const MAX_PAYLOAD_IPV6 = 65_527;

/** Of how many sends one asks for its result. A callback on each costs 1.4 of 8 µs. */
const SENDS_PER_PROBE = 64;

/** Takes the datagrams of a socket. */
export interface DatagramReceiver {
  /**
   * The buffer is the receiver's to keep: Node allocates one per datagram. `from` is reported by the kernel.
   * @returns false for what is nobody's, or from where nobody can be answered
   */
  onDatagram(buffer: Buffer, from: RemoteInfo): boolean;
}

/** What a socket is opened with. */
export interface DatagramSocketOptions {
  /** The literal address to bind, and the port; 0 lets the kernel choose. */
  readonly bind: TransportAddress;
  readonly counters: TrafficCounters;
  /** Wishes in bytes; the kernel's own limits prevail. 0 leaves its default. */
  readonly receiveBuffer: number;
  readonly sendBuffer: number;
  /** Whether an IPv6 socket refuses IPv4 in ::ffff:0:0/96. */
  readonly ipv6Only: boolean;
}

/** A bound UDP socket. Nothing here throws once it is open. */
export class DatagramSocket {
  readonly local: TransportAddress;
  readonly #socket: Socket;
  readonly #counters: TrafficCounters;
  readonly #maxPayload: number;
  readonly #onSent: (error: Error | null) => void;
  #receiver: DatagramReceiver;
  #sendsToProbe: number;
  #closed: boolean;

  /** Binds a socket; rejects with the system's error. */
  static async open(options: DatagramSocketOptions): Promise<DatagramSocket> {
    const type = options.bind.ip.family === 6 ? 'udp6' : 'udp4';
    const ipv6Only = type === 'udp6' && options.ipv6Only;
    const socket = createSocket({ type, lookup: lookupLiteral, ipv6Only });
    try {
      await bind(socket, options.bind);
      return new DatagramSocket(socket, options);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  private constructor(socket: Socket, options: DatagramSocketOptions) {
    const ip = options.bind.ip;
    this.local = new TransportAddress(ip, socket.address().port);
    this.#socket = socket;
    this.#counters = options.counters;
    this.#maxPayload = ip.family === 6 ? MAX_PAYLOAD_IPV6 : MAX_PAYLOAD_IPV4;
    this.#onSent = (error) => this.#sent(error);
    this.#receiver = NOBODY;
    this.#sendsToProbe = 0;
    this.#closed = false;
    socket.on('error', (error) => countError(this.#counters.receiveErrors, error));
    socket.on('message', (buffer, from) => this.#receive(buffer, from));
    setBuffers(socket, options);
  }

  /** Whose datagrams these are from now on; until then they are dropped. */
  attach(receiver: DatagramReceiver): void {
    this.#receiver = receiver;
  }

  /** Sends `buffer[start, end)`. The bytes must not change any more, since they may wait in the queue. */
  send(buffer: Buffer, start: number, end: number, port: number, address: string): void {
    const length = end - start;
    if (!this.#admits(length, port)) return;
    try {
      // With offset and length dgram makes one view instead of two.
      if (this.#isProbe()) this.#socket.send(buffer, start, length, port, address, this.#onSent);
      else this.#socket.send(buffer, start, length, port, address);
    } catch (error) {
      countError(this.#counters.sendErrors, error);
    }
  }

  /**
   * Sends the parts as one datagram of `length` bytes; the same holds for each part.
   * @returns false when it was dropped, and the parts may change
   */
  sendParts(parts: readonly Buffer[], length: number, port: number, address: string): boolean {
    if (!this.#admits(length, port)) return false;
    try {
      if (this.#isProbe()) this.#socket.send(parts, port, address, this.#onSent);
      else this.#socket.send(parts, port, address);
    } catch (error) {
      countError(this.#counters.sendErrors, error);
    }
    return true;
  }

  /** Closes the descriptor at once, so that the port can be bound again when this returns. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#receiver = NOBODY;
    this.#socket.close();
  }

  /** Whether a datagram may be handed over; counts it either way. */
  #admits(length: number, port: number): boolean {
    const counters = this.#counters;
    if (this.#closed || port === 0) {
      counters.droppedUnusable++;
      return false;
    }
    // Checked here and not by EMSGSIZE: in libuv's queue that error takes up to 19 innocent datagrams with it.
    if (length > this.#maxPayload) {
      counters.droppedTooBig++;
      return false;
    }
    if (this.#isQueueFull(length)) {
      counters.droppedQueueFull++;
      return false;
    }
    counters.packetsOut++;
    counters.bytesOut += length;
    return true;
  }

  #isQueueFull(length: number): boolean {
    const waiting = this.#socket.getSendQueueCount();
    if (waiting === 0) return false;
    return waiting >= MAX_QUEUED_DATAGRAMS || this.#socket.getSendQueueSize() + length > MAX_QUEUED_BYTES;
  }

  #isProbe(): boolean {
    if (this.#sendsToProbe-- > 0) return false;
    this.#sendsToProbe = SENDS_PER_PROBE - 1;
    return true;
  }

  /** While sends fail, each is a probe, so that a firewall's EPERM is seen for what it is. */
  #sent(error: Error | null): void {
    if (error === null || this.#closed) return;
    this.#sendsToProbe = 0;
    countError(this.#counters.sendErrors, error);
  }

  #receive(buffer: Buffer, from: RemoteInfo): void {
    this.#counters.packetsIn++;
    this.#counters.bytesIn += buffer.length;
    if (!this.#receiver.onDatagram(buffer, from)) this.#counters.droppedUnusable++;
  }
}

const NOBODY: DatagramReceiver = Object.freeze({ onDatagram: () => false });

/** Answers at once, with the literal it was given: the default costs a quarter of a send. dgram ignores the family. */
const lookupLiteral: NonNullable<SocketOptions['lookup']> = (address, _options, callback) => callback(null, address, 4);

/** Settles when bound or refused; the error listener stays, so that the socket is never without one. */
function bind(socket: Socket, at: TransportAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.once('listening', resolve);
    // Exclusive: under `cluster` the primary process would hold the port.
    socket.bind({ address: at.ip.text, port: at.port, exclusive: true });
  });
}

/** Sizes are wishes: a kernel that refuses them still relays. */
function setBuffers(socket: Socket, options: DatagramSocketOptions): void {
  try {
    if (options.receiveBuffer > 0) socket.setRecvBufferSize(options.receiveBuffer);
    if (options.sendBuffer > 0) socket.setSendBufferSize(options.sendBuffer);
  } catch {
    // The kernel's default stays.
  }
}
