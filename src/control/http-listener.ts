// HTTP servers with bounds on connections, headers and time, whatever application they serve: the control socket's, and
// those on TCP addresses. Knows no routes.

import { createServer, type Server } from 'node:http';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { ControlError, describeSystemError } from '../errors.ts';
import { ApiError, problemResponse } from './problem.ts';

/** What a server is made of. */
export interface HttpServerOptions {
  readonly fetch: Parameters<typeof getRequestListener>[0];
  /** Gets what is a fault of the program. */
  readonly report: (error: unknown) => void;
  /** Milliseconds in which a request must be whole; 10 s if absent. */
  readonly requestTimeout?: number;
}

/** Where a server listens. */
export interface HttpListenerOptions extends HttpServerOptions {
  /** An IP address, or `*` for all of both families. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** The key that it comes from, for errors. */
  readonly key: string;
}

/** A server that listens. */
export interface HttpListener {
  readonly port: number;
  /** Ends all connections. Idempotent. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 16_384;
const REQUEST_MS = 10_000;
/** How long a connection may stand still, an answer that nobody reads included. */
const IDLE_MS = 30_000;
/** How long requests that are being answered may take when the server is closed. */
const CLOSE_MS = 1000;

/** Makes a server that does not listen yet. */
export function makeHttpServer({ fetch, report, requestTimeout = REQUEST_MS }: HttpServerOptions): Server {
  const listener = getRequestListener(fetch, {
    hostname: 'turnd',
    overrideGlobalObjects: false,
    // Requests that are none (a hostile Host or target) never reach the application.
    errorHandler: () => problemResponse(new ApiError('invalid', 'this is not a request for this server'), report),
  });
  const limits = { requestTimeout, headersTimeout: requestTimeout, connectionsCheckingInterval: requestTimeout / 4 };
  const busy = new WeakSet<Socket>();
  const server = createServer(
    { ...limits, maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: requestTimeout },
    (request, response) => {
      const { socket } = request;
      // No client of ours asks again before it is answered; thousands of requests in one write would all begin at once.
      if (busy.has(socket)) {
        socket.destroy();
        return;
      }
      busy.add(socket);
      response.once('close', () => busy.delete(socket));
      listener(request, response).catch((error: unknown) => {
        report(error);
        response.destroy();
      });
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(IDLE_MS);
  return server;
}

/** Ends a server; what is being answered has a second. */
export function closeHttpServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** Opens a server on a TCP address. @throws ControlError */
export async function openHttpListener(options: HttpListenerOptions): Promise<HttpListener> {
  const { report } = options;
  const server = makeHttpServer(options);
  await listen(server, options);
  server.on('error', report);
  let closing: Promise<void> | null = null;
  const { port } = server.address() as AddressInfo; // it listens
  return {
    port,
    close: () => {
      closing ??= closeHttpServer(server);
      return closing;
    },
  };
}

function listen(server: Server, { host, port, key }: HttpListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
      const why = error.code === 'EADDRINUSE' ? 'another program listens there' : describeSystemError(error);
      reject(new ControlError(`${key}: ${where} cannot be opened: ${why}: set another address or port`, error));
    });
    server.listen({ port, ...(host === '*' ? {} : { host }) }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}
