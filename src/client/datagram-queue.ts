// UDP by dgram-as-promised without its gap: its recv() listens only while somebody waits, and loses what comes between two
// calls. Here a listener that is there from birth fills a bounded queue. Knows nothing of STUN.

import { DgramAsPromised, type RemoteInfo, type SocketAsPromised } from 'dgram-as-promised';
import type { IpAddress, IpFamily } from '../stun/ip-address.ts';
import type { TransportAddress } from '../stun/transport-address.ts';

/** A datagram and who sent it. */
export interface Datagram {
  readonly bytes: Buffer;
  readonly from: RemoteInfo;
}

/** How a queue is opened. */
export interface DatagramQueueOptions {
  /** The local address; any of the remote's (else IPv4's) family when absent. */
  readonly local?: IpAddress;
  /** 0, which is the default, lets the system choose. */
  readonly localPort?: number;
  /** The family of a socket that has neither `local` nor `remote`; IPv4 when absent. */
  readonly family?: IpFamily;
  /** Connects the socket: other senders are not heard, and ICMP errors are. */
  readonly remote?: TransportAddress;
  /** Datagrams kept until they are read; more are dropped and counted. */
  readonly capacity?: number;
}

const DEFAULT_CAPACITY = 4096;
const RECEIVE_BUFFER_BYTES = 1 << 20;

type Waiting = { resolve(datagram: Datagram | null): void; reject(error: Error): void };

/** An open UDP socket. Datagrams are read by {@link next} or `for await`; nothing that arrives is lost before. */
export class DatagramQueue implements AsyncIterable<Datagram> {
  readonly #socket: SocketAsPromised;
  readonly #isConnected: boolean;
  readonly #capacity: number;
  readonly #datagrams: (Datagram | Error)[] = [];
  #waiting: Waiting | null = null;
  #dropped = 0;
  #isOpen = true;

  /** Opens a socket; rejects with the system's error. */
  static async open(options: DatagramQueueOptions = {}): Promise<DatagramQueue> {
    const family = options.local?.family ?? options.remote?.ip.family ?? options.family ?? 4;
    const onMessage = (bytes: Buffer, from: RemoteInfo): void => queue.#put({ bytes, from });
    const socket = DgramAsPromised.createSocket(
      { type: family === 6 ? 'udp6' : 'udp4', ipv6Only: family === 6, recvBufferSize: RECEIVE_BUFFER_BYTES },
      onMessage,
    );
    const queue = new DatagramQueue(socket, options);
    try {
      await socket.bind({ port: options.localPort ?? 0, ...(options.local && { address: options.local.text }) });
      if (options.remote !== undefined) await queue.#connect(options.remote);
    } catch (error) {
      await queue.close();
      throw error;
    }
    socket.socket.on('error', (error) => queue.#put(error));
    return queue;
  }

  private constructor(socket: SocketAsPromised, { remote, capacity }: DatagramQueueOptions) {
    this.#socket = socket;
    this.#isConnected = remote !== undefined;
    this.#capacity = capacity ?? DEFAULT_CAPACITY;
  }

  /** The local address as the system sees it. */
  get local(): { readonly address: string; readonly port: number } {
    return this.#socket.address();
  }

  /** Datagrams that found the queue full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Sends without waiting; what the system says against it comes out of {@link next}. */
  send(bytes: Uint8Array, to?: TransportAddress): void {
    if (!this.#isOpen) return;
    const { socket } = this.#socket;
    const done = (error: Error | null): void => {
      if (error !== null) this.#put(error);
    };
    if (this.#isConnected) socket.send(bytes, done);
    else if (to !== undefined) socket.send(bytes, to.port, to.ip.text, done);
  }

  /** The next datagram in the order of arrival; null after {@link close}. Rejects with an error of the socket. */
  next(): Promise<Datagram | null> {
    const first = this.#datagrams.shift();
    if (first instanceof Error) return Promise.reject(first);
    if (first !== undefined) return Promise.resolve(first);
    if (!this.#isOpen) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Datagram> {
    for (;;) {
      const datagram = await this.next();
      if (datagram === null) return;
      yield datagram;
    }
  }

  /** Idempotent; what is in the queue can still be read. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#waiting?.resolve(null);
    this.#waiting = null;
    await this.#socket.close();
  }

  #connect(remote: TransportAddress): Promise<void> {
    const { socket } = this.#socket;
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(remote.port, remote.ip.text, () => {
        socket.off('error', reject);
        resolve();
      });
    });
  }

  #put(item: Datagram | Error): void {
    if (!this.#isOpen) return;
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      if (item instanceof Error) waiting.reject(item);
      else waiting.resolve(item);
    } else if (this.#datagrams.length >= this.#capacity) this.#dropped++;
    else this.#datagrams.push(item);
  }
}
