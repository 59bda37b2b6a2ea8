// An HTTP server around an application, bounded in everything that a client could make it wait for or keep: connections,
// header bytes, times, requests that nobody waits for. Knows neither what it listens on nor what requests mean.

import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { ApiError, problemResponse } from './problem.ts';

/** What is served. */
export interface BoundedServerOptions {
  readonly app: Hono;
  /** Gets what is a fault of the program. */
  readonly report: (error: unknown) => void;
  readonly maxConnections: number;
  /** Milliseconds in which a request must be whole; 10 s if absent. */
  readonly requestTimeout?: number | undefined;
}

const MAX_HEADER_BYTES = 16_384;
const REQUEST_MS = 10_000;
/** How long a connection may stand still, an answer that nobody reads included. */
const IDLE_MS = 30_000;
/** How long requests that are being answered may take when the server is closed. */
const CLOSE_MS = 1000;

/** Makes a server that does not listen yet. */
export function makeBoundedServer(options: BoundedServerOptions): Server {
  const { app, report, maxConnections, requestTimeout = REQUEST_MS } = options;
  const listener = getRequestListener(app.fetch, {
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
  server.maxConnections = maxConnections;
  server.setTimeout(IDLE_MS);
  return server;
}

/** Ends a server: idle connections at once, those with a request within a second. */
export function closeBoundedServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
