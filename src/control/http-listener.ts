// Serves an application on a TCP address, with TLS where a way to it is given. Owns the listening socket and what one source
// may hold of it; what requests mean, and who may send them, is the application's business.

import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Hono } from 'hono';
import { ControlError, describeSystemError } from '../errors.ts';
import { closeBoundedServer, makeBoundedServer } from './bounded-server.ts';
import { sourceOf } from './source.ts';

/** Makes an accepted socket a TLS socket, within bounds of its own, and gives it to `ready`; or closes it. */
export type Secure = (socket: Socket, ready: (secure: TLSSocket) => void) => void;

/** What is served, and where. */
export interface HttpListenerOptions {
  /** `*` (all addresses of both families) or an IP without brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly app: Hono;
  /** Null for plain HTTP. */
  readonly secure: Secure | null;
  /** Which key of the configuration is to be changed if the address cannot be had. */
  readonly key: string;
  /** Gets what is a fault of the program. */
  readonly report: (error: unknown) => void;
  /** Milliseconds in which a request must be whole; 10 s if absent. */
  readonly requestTimeout?: number;
}

/** An address that is served. */
export interface HttpListener {
  /** An IP without brackets; `0.0.0.0` and `::` are wildcards. */
  readonly address: string;
  readonly port: number;
  /** Ends all connections. Idempotent. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 256;
/** Of one IPv4 address or IPv6 /64: no source takes all. */
const MAX_OF_SOURCE = 64;

/** Opens the address. @throws ControlError */
export async function openHttpListener(options: HttpListenerOptions): Promise<HttpListener> {
  const { app, report, secure, requestTimeout } = options;
  const server = makeBoundedServer({ app, report, requestTimeout, maxConnections: MAX_CONNECTIONS });
  const shaking = new Set<Socket>();
  boundSources(server, secure, shaking);
  await listen(server, options);
  server.on('error', report);
  const { address, port } = server.address() as AddressInfo; // it listens on TCP
  let closing: Promise<void> | null = null;
  return {
    address,
    port,
    close: () => {
      for (const socket of shaking) socket.destroy(); // the server does not know them yet
      closing ??= closeBoundedServer(server);
      return closing;
    },
  };
}

// The server's own listener takes a connection when it has passed: the source's share first, then the handshake.
function boundSources(server: Server, secure: Secure | null, shaking: Set<Socket>): void {
  const takers = server.listeners('connection');
  server.removeAllListeners('connection');
  const take = (socket: Socket): void => {
    for (const taker of takers) taker.call(server, socket);
  };
  const held = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const source = sourceOf(socket.remoteAddress);
    const count = (held.get(source) ?? 0) + 1;
    if (count > MAX_OF_SOURCE) {
      socket.destroy();
      return;
    }
    held.set(source, count);
    socket.once('close', () => {
      const left = (held.get(source) ?? 1) - 1;
      if (left === 0) held.delete(source);
      else held.set(source, left);
    });
    if (secure === null) {
      take(socket);
      return;
    }
    // As of https servers: who goes in the middle of a handshake gives its place back at once, and not when its time is over.
    socket.allowHalfOpen = false;
    shaking.add(socket);
    socket.once('close', () => shaking.delete(socket));
    secure(socket, (secured) => {
      shaking.delete(socket);
      take(secured);
    });
  });
}

function listen(server: Server, { host, port, key }: HttpListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const where = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      const why = describeSystemError(error);
      reject(new ControlError(`cannot serve HTTP on ${where}: ${why}: change ${key}, or stop who has it`, error));
    });
    // Without a host: both families by one socket, or IPv4 alone where there is no IPv6.
    server.listen(host === '*' ? { port } : { port, host, ipv6Only: host === '::' ? false : undefined }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}
