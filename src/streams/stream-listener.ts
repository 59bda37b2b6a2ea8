// One listening socket: admits connections, takes the header of a proxy off them where one stands in front, and tells TLS
// from plain STUN by the first byte (RFC 8489 §8.1). Knows no frames and no certificates.

import { type ListenOptions as BindOptions, createServer, type Server, type Socket } from 'node:net';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { Clock } from '../turn/env.ts';
import { AcceptedSocket, type ConnectionAddresses } from './accepted-socket.ts';
import { takeProxyHeader } from './proxied-socket.ts';
import { readAddresses, readBound } from './socket-addresses.ts';
import type { StreamCounters } from './stream-handler.ts';

/** What a listener accepts. */
export const StreamMode = {
  TCP: 'tcp',
  TLS: 'tls',
  /** Both, told apart by the first byte. */
  TCP_AND_TLS: 'tcp+tls',
} as const;
export type StreamMode = (typeof StreamMode)[keyof typeof StreamMode];

/** What a listener serves. */
export interface ServedStreams {
  readonly mode: StreamMode;
  /** Whether every connection begins with a PROXY header, and comes from a trusted proxy; absent: none does. */
  readonly proxied?: boolean;
}

/** Where to listen. */
export interface ListenOptions extends ServedStreams {
  /** An address literal. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Whether `::` takes IPv4 clients as well. */
  readonly dualStack?: boolean;
}

/** What listeners share: their group. */
export interface ListenerHost {
  readonly clock: Clock;
  readonly counters: StreamCounters;
  /** Takes a place for a socket; false when there is none. */
  admit(accepted: AcceptedSocket): boolean;
  /** Whether this source may say whose its connections are. Tells the operator of one that may not. */
  trusts(accepted: AcceptedSocket): boolean;
  /** The bytes of a trusted proxy are no PROXY header. */
  headerRefused(accepted: AcceptedSocket): void;
  /** A header has come: null where it names no client. False when that client has no place. */
  identify(accepted: AcceptedSocket, client: ConnectionAddresses | null): boolean;
  /** A connection could not be accepted, for want of descriptors most likely. */
  acceptFailed(): void;
  /** Gives it back. Idempotent. */
  leave(accepted: AcceptedSocket): void;
  /** The connection speaks STUN, and `first` is what it has said. */
  openPlain(accepted: AcceptedSocket, first: Buffer): void;
  /** The connection speaks TLS; the ClientHello is in the socket's buffer again. */
  openSecure(accepted: AcceptedSocket): void;
}

// ContentType handshake (RFC 8446 §5.1).
const TLS_HANDSHAKE = 22;

/** Listens until {@link close}; its connections outlive it. */
export class StreamListener {
  #mode: StreamMode;
  #isProxied: boolean;
  readonly #host: ListenerHost;
  readonly #server: Server;
  /** Sockets that have not said anything themselves, a proxy's header aside; the oldest first. */
  readonly #silent = new Set<AcceptedSocket>();
  #local: TransportAddress | null = null;

  constructor(host: ListenerHost, { mode, proxied }: ServedStreams) {
    this.#host = host;
    this.#mode = mode;
    this.#isProxied = proxied === true;
    this.#server = createServer({ allowHalfOpen: false, noDelay: true }, this.#onConnection);
  }

  /** What it is bound to; the port is a real one. */
  get local(): TransportAddress {
    if (this.#local === null) throw new Error('not listening');
    return this.#local;
  }

  /** Sockets that have not said anything yet. */
  get silent(): number {
    return this.#silent.size;
  }

  /** Serves this from now on: each connection is judged when it comes, and by its first byte. */
  serve({ mode, proxied }: ServedStreams): void {
    this.#mode = mode;
    this.#isProxied = proxied === true;
  }

  /** Binds and listens. Rejects with the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL…). */
  open({ host, port, dualStack }: ListenOptions): Promise<void> {
    return this.#listen({ host, port, ipv6Only: dualStack !== true });
  }

  /** Listens on a bound socket, whose descriptor is the listener's from then on. Rejects with the system's error. */
  adopt(fd: number): Promise<void> {
    return this.#listen({ fd });
  }

  #listen(where: BindOptions | { readonly fd: number }): Promise<void> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(where, () => {
        server.off('error', reject);
        server.on('error', this.#onAcceptError);
        const bound = server.address();
        if (bound !== null && typeof bound === 'object') this.#local = readBound(bound.address, bound.port);
        resolve();
      });
    });
  }

  /** Closes sockets that have said nothing for `timeout` milliseconds. */
  sweep(now: number, timeout: number): void {
    // A set keeps the order of insertion: the first that is young enough ends the search.
    for (const accepted of this.#silent) {
      if (now - accepted.acceptedAt < timeout) return;
      this.#host.counters.firstFrameTimeouts++;
      this.#silent.delete(accepted);
      accepted.destroy();
    }
  }

  /** Gives the port back, closes sockets that have not said anything, and leaves connections alone. Idempotent. */
  close(): void {
    this.#server.close();
    for (const accepted of this.#silent) accepted.destroy();
    this.#silent.clear();
  }

  readonly #onAcceptError = (): void => {
    this.#host.acceptFailed();
  };

  readonly #onConnection = (socket: Socket): void => {
    const { counters, clock } = this.#host;
    counters.accepted++;
    // From birth: a reset may come before anyone else listens.
    socket.on('error', ignore);
    const addresses = readAddresses(socket);
    const accepted = addresses && new AcceptedSocket(socket, addresses, clock.now());
    if (accepted === null || !this.#admits(accepted)) {
      socket.destroy();
      return;
    }
    this.#silent.add(accepted);
    socket.once('close', () => {
      this.#silent.delete(accepted);
      this.#host.leave(accepted);
    });
    if (this.#isProxied) this.#awaitHeader(accepted);
    else this.#awaitFirstBytes(accepted);
  };

  #admits(accepted: AcceptedSocket): boolean {
    if (this.#isProxied && !this.#host.trusts(accepted)) return false;
    accepted.isOfProxy = this.#isProxied;
    return this.#host.admit(accepted);
  }

  // Without it not a byte is looked at, and none is sent.
  #awaitHeader(accepted: AcceptedSocket): void {
    const { socket } = accepted;
    takeProxyHeader(socket, {
      refused: () => {
        this.#host.headerRefused(accepted);
        socket.destroy();
      },
      taken: (client, rest) => {
        if (!this.#host.identify(accepted, client)) socket.destroy();
        else if (rest.length > 0) this.#onFirstBytes(accepted, rest);
        else this.#awaitFirstBytes(accepted);
      },
    });
  }

  #awaitFirstBytes(accepted: AcceptedSocket): void {
    accepted.socket.once('data', (chunk) => this.#onFirstBytes(accepted, chunk));
  }

  #onFirstBytes(accepted: AcceptedSocket, chunk: Buffer): void {
    const { socket } = accepted;
    this.#silent.delete(accepted);
    // What follows waits until its reader is there.
    socket.pause();
    const isTls = chunk[0] === TLS_HANDSHAKE;
    if (this.#mode === (isTls ? StreamMode.TCP : StreamMode.TLS)) {
      this.#host.counters.wrongProtocol++;
      socket.destroy();
    } else if (isTls) {
      socket.unshift(chunk);
      this.#host.openSecure(accepted);
    } else {
      this.#host.openPlain(accepted, chunk);
    }
  }
}

function ignore(): void {}
