// A TCP proxy between turnd and a database that makes the way there bad: slow, byte by byte, cut in the middle of an
// answer, or a stranger at the other end. It changes in the middle of connections.

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Teardown } from './turnd-process.ts';

/** What becomes of the database's answers. */
export type ProxyMode =
  | { readonly kind: 'fast' }
  /** Each piece comes so many milliseconds later. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** One byte at a time. */
  | { readonly kind: 'bytewise' }
  /** The first piece of each connection is halved, and then the connection is closed or reset. */
  | { readonly kind: 'cut' }
  /** Other bytes come instead. */
  | { readonly kind: 'stranger'; readonly says: Buffer };

const FAST: ProxyMode = { kind: 'fast' };

/** A proxy that is open. */
export class SlowProxy {
  readonly port: number;
  #mode: ProxyMode = FAST;
  readonly #sockets = new Set<Socket>();
  #connections = 0;

  /** A proxy to a port of 127.0.0.1. */
  static async open(t: Teardown, port: number): Promise<SlowProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new SlowProxy(server, port);
    t.teardown(() => proxy.#close(server));
    return proxy;
  }

  private constructor(server: Server, port: number) {
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    server.on('connection', (client) => this.#join(client, connect(port, '127.0.0.1')));
  }

  /** Connections to it that are open. */
  get open(): number {
    return this.#sockets.size / 2;
  }

  /** Connections that were ever made to it. */
  get connections(): number {
    return this.#connections;
  }

  /** From now on, for connections that are open too. */
  set mode(mode: ProxyMode) {
    this.#mode = mode;
  }

  #join(client: Socket, server: Socket): void {
    this.#connections++;
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay();
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (chunk) => server.write(chunk));
    let last: Promise<unknown> = Promise.resolve();
    server.on('data', (chunk) => {
      // Pieces do not wait for each other to become due, but none overtakes another, whatever becomes of the mode.
      const due = this.#due();
      last = last.then(() => due).then(() => this.#answer(client, chunk));
    });
  }

  async #due(): Promise<void> {
    const mode = this.#mode;
    if (mode.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, mode.ms));
  }

  async #answer(client: Socket, chunk: Buffer): Promise<void> {
    const mode = this.#mode;
    if (mode.kind === 'bytewise') {
      for (const byte of chunk) {
        client.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
    } else if (mode.kind === 'cut') {
      client.write(chunk.subarray(0, Math.ceil(chunk.length / 2)), () => {
        if (this.#connections % 2 === 0) client.resetAndDestroy();
        else client.destroy();
      });
    } else if (mode.kind === 'stranger') {
      client.write(mode.says);
    } else {
      client.write(chunk);
    }
  }

  #close(server: Server): void {
    server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
