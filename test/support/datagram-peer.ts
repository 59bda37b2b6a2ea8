// The foreign side of tests: a UDP socket by dgram-as-promised. Its recv() loses what arrives between two calls, so
// datagrams are queued here from the callback that is there from the first moment.

import type { Socket } from 'node:dgram';
import { DgramAsPromised, type SocketAsPromised } from 'dgram-as-promised';
import { Inbox } from './inbox.ts';

/** A datagram as the foreign side saw it. */
export interface Heard {
  readonly bytes: Buffer;
  readonly address: string;
  readonly port: number;
}

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** A socket of somebody else. Open it by {@link DatagramPeer.open}, and close it. */
export class DatagramPeer {
  readonly #socket: SocketAsPromised;
  readonly #heard: Inbox<Heard>;
  #closed = false;

  static async open(address: string, port = 0): Promise<DatagramPeer> {
    const heard = new Inbox<Heard>();
    const type = address.includes(':') ? 'udp6' : 'udp4';
    const socket = DgramAsPromised.createSocket({ type, recvBufferSize: RECEIVE_BUFFER_BYTES }, (bytes, from) => {
      heard.put({ bytes, address: from.address, port: from.port });
    });
    await socket.bind(port, address);
    return new DatagramPeer(socket, heard);
  }

  private constructor(socket: SocketAsPromised, heard: Inbox<Heard>) {
    this.#socket = socket;
    this.#heard = heard;
  }

  /** The socket itself, for options and events. */
  get socket(): Socket {
    return this.#socket.socket;
  }

  get address(): string {
    return this.#socket.address().address;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Resolves when the kernel has taken the datagram. */
  async send(bytes: Uint8Array, port: number, address: string): Promise<void> {
    await this.#socket.send(bytes, port, address);
  }

  /** The next datagram, in the order of arrival. */
  next(): Promise<Heard> {
    return this.#heard.next();
  }

  /** Idempotent. */
  close(): void {
    if (!this.#closed) void this.#socket.close();
    this.#closed = true;
  }
}
