// The foreign side of plane tests: a raw node:dgram socket that queues what it hears, so that nothing is lost between
// two reads.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Inbox } from './inbox.ts';

/** A datagram as the foreign side saw it. */
export interface Heard {
  readonly bytes: Buffer;
  readonly address: string;
  readonly port: number;
}

/** A socket of somebody else. Open it by {@link DatagramPeer.open}, and close it. */
export class DatagramPeer {
  readonly socket: Socket;
  readonly #heard = new Inbox<Heard>();
  #closed = false;

  static async open(address: string, port = 0): Promise<DatagramPeer> {
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 4 * 1024 * 1024 });
    const listening = once(socket, 'listening');
    socket.bind(port, address);
    await listening;
    return new DatagramPeer(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', (bytes, { address, port }) => this.#heard.put({ bytes, address, port }));
  }

  get address(): string {
    return this.socket.address().address;
  }

  get port(): number {
    return this.socket.address().port;
  }

  /** Resolves when the kernel has taken the datagram. */
  send(bytes: Uint8Array, port: number, address: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.send(bytes, port, address, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  /** The next datagram, in the order of arrival. */
  next(): Promise<Heard> {
    return this.#heard.next();
  }

  /** Idempotent. */
  close(): void {
    if (!this.#closed) this.socket.close();
    this.#closed = true;
  }
}
