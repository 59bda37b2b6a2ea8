// All TCP and TLS listeners and connections of one engine: shared limits, one flush per loop turn, one coarse sweep.
// Knows neither frames nor certificates.

import { Admission, type ConnectionLimits } from '../limits/connection-limits.ts';
import { clientNetwork } from '../stun/client-network.ts';
import type { TlsAcceptor } from '../tls/tls-acceptor.ts';
import { type Clock, HEADER_ROOM } from '../turn/env.ts';
import { Transport } from '../turn/transport.ts';
import type { AcceptedSocket, ConnectionAddresses } from './accepted-socket.ts';
import { PartialFrames } from './partial-frames.ts';
import { Strangers } from './strangers.ts';
import { type ConnectionHost, LINGER, StreamConnection } from './stream-connection.ts';
import { DEFAULT_STREAM_SETTINGS, StreamCounters, type StreamHandler, type StreamSettings } from './stream-handler.ts';
import {
  type ListenerHost,
  type ListenOptions,
  type ServedStreams,
  StreamListener,
  StreamMode,
} from './stream-listener.ts';

/** What a group is given. */
export interface StreamGroupOptions {
  readonly clock: Clock;
  readonly handler: StreamHandler;
  /** Null where no listener takes TLS. */
  readonly tls: TlsAcceptor | null;
  readonly settings?: StreamSettings;
  /** What connections are counted in. */
  readonly limits: ConnectionLimits;
  /** Whether few file descriptors are left, so that none may be taken; absent: never. */
  readonly isShort?: () => boolean;
  /** Whether memory is short, so that nobody may come; absent: never. */
  readonly isShortOfMemory?: () => boolean;
  /** Told what the handler threw: a bug, which must not end the process. */
  readonly report: (fault: unknown) => void;
  /** Told of whoever was refused where proxies connect: an address, and whether it is a trusted one; absent: nobody. */
  readonly proxyRefused?: ProxyRefused;
}

/** Told of a connection to a listener for proxies. A trusted one has sent no valid header. */
export type ProxyRefused = (address: string, isTrusted: boolean) => void;

/** Milliseconds between sweeps. */
const SWEEP_INTERVAL = 1000;

/** Opens listeners and owns what they accept. */
export class StreamGroup implements ConnectionHost, ListenerHost {
  readonly clock: Clock;
  readonly handler: StreamHandler;
  readonly report: (fault: unknown) => void;
  readonly counters = new StreamCounters();
  readonly partialFrames = new PartialFrames();
  readonly header: Buffer = Buffer.alloc(HEADER_ROOM);
  /** May be replaced at any time; applies to live connections. */
  settings: StreamSettings;
  /** May be set once there are certificates. Null where no listener takes TLS. */
  tls: TlsAcceptor | null;
  readonly #limits: ConnectionLimits;
  readonly #isShort: () => boolean;
  readonly #proxyRefused: ProxyRefused;
  readonly #isShortOfMemory: () => boolean;
  readonly #listeners = new Set<StreamListener>();
  readonly #strangers = new Strangers();
  readonly #connections = new Set<StreamConnection>();
  #due: StreamConnection[] = [];
  #dueNext: StreamConnection[] = [];
  #timer: NodeJS.Timeout | null = null;
  #onEmpty: () => void = ignore;

  constructor(options: StreamGroupOptions) {
    this.clock = options.clock;
    this.handler = options.handler;
    this.report = options.report;
    this.settings = options.settings ?? DEFAULT_STREAM_SETTINGS;
    this.tls = options.tls;
    this.#limits = options.limits;
    this.#isShort = options.isShort ?? never;
    this.#proxyRefused = options.proxyRefused ?? ignore;
    this.#isShortOfMemory = options.isShortOfMemory ?? never;
  }

  /** Sockets now, in every state. */
  get sockets(): number {
    return this.#limits.own;
  }

  /** Connections now that speak STUN. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Opens a listener. Rejects with the system's error; there is nothing to clean up then. */
  listen(options: ListenOptions): Promise<StreamListener> {
    return this.#listen(options, (listener) => listener.open(options));
  }

  /** Serves a bound socket, whose descriptor it takes over. Rejects with the system's error. */
  adopt(served: ServedStreams, fd: number): Promise<StreamListener> {
    return this.#listen(served, (listener) => listener.adopt(fd));
  }

  /** Closes one listener; its connections stay. */
  unlisten(listener: StreamListener): void {
    this.#listeners.delete(listener);
    listener.close();
  }

  /** Starts the sweep's timer. It does not keep the process alive. */
  start(): void {
    this.#timer ??= setInterval(() => this.sweep(), SWEEP_INTERVAL).unref();
  }

  /** Closes what has outlived a limit. */
  sweep(): void {
    const now = this.clock.now();
    for (const listener of this.#listeners) listener.sweep(now, this.settings.firstFrameTimeout * 1000);
    this.tls?.sweep(now);
    this.#strangers.sort();
    for (const connection of this.#connections) connection.sweep(now);
  }

  /** Whether {@link flush} would write anything. */
  get isDue(): boolean {
    return this.#due.length > 0;
  }

  /** Writes everything that is due now: one write per connection. Whoever owns the loop may call it sooner. */
  readonly flush = (): void => {
    const due = this.#due;
    this.#due = this.#dueNext;
    this.#dueNext = due;
    for (let index = 0; index < due.length; index++) (due[index] as StreamConnection).flush();
    due.length = 0;
  };

  /** Closes listeners, handshakes and connections; what is due has a second to leave. Idempotent. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const listener of this.#listeners) listener.close();
    this.#listeners.clear();
    this.tls?.close();
    for (const connection of this.#connections) connection.end();
    if (this.#connections.size > 0) await this.#lastBytes();
    for (const connection of this.#connections) connection.destroy();
  }

  due(connection: StreamConnection): void {
    // In the check phase every datagram and chunk of this loop turn has been handled; a microtask would run after each
    // datagram (measured under a flood: 20 times the writes, 40 % more CPU).
    if (this.#due.length === 0) setImmediate(this.flush);
    this.#due.push(connection);
  }

  forget(connection: StreamConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onEmpty();
  }

  admit(accepted: AcceptedSocket): boolean {
    // A newcomer could not allocate anyway.
    if (this.#isShortOfMemory()) {
      this.counters.outOfMemory++;
      return false;
    }
    let admission = this.#acquire(accepted);
    // A crowd of strangers must not keep others out: whoever has stood about longest makes room.
    if (admission === Admission.OVER_TOTAL && this.#makeRoom()) admission = this.#acquire(accepted);
    if (admission === Admission.OVER_TOTAL) this.counters.overTotalLimit++;
    else if (admission === Admission.OVER_CLIENT) this.counters.overClientLimit++;
    if (admission !== Admission.ADMITTED) return false;
    if (this.#isShort() && !this.#makeRoom()) {
      this.counters.outOfDescriptors++;
      this.#limits.release(accepted.addresses.source);
      return false;
    }
    accepted.hasPlace = true;
    this.#strangers.add(accepted);
    return true;
  }

  trusts({ addresses: { source } }: AcceptedSocket): boolean {
    if (this.settings.trustedProxies.has(source)) return true;
    this.counters.untrustedProxies++;
    this.#proxyRefused(source.copyAddress().ip.text, false);
    return false;
  }

  headerRefused({ addresses: { source } }: AcceptedSocket): void {
    this.counters.proxyHeadersRefused++;
    this.#proxyRefused(source.copyAddress().ip.text, true);
  }

  identify(accepted: AcceptedSocket, client: ConnectionAddresses | null): boolean {
    if (client === null) return true;
    // The place was the proxy's. What it is given back for is a place of the client's own share.
    this.leave(accepted);
    accepted.addresses = client;
    accepted.isOfProxy = false;
    return this.admit(accepted);
  }

  acceptFailed(): void {
    this.counters.acceptErrors++;
    this.#makeRoom();
  }

  leave(accepted: AcceptedSocket): void {
    this.#strangers.delete(accepted);
    if (!accepted.hasPlace) return;
    accepted.hasPlace = false;
    this.#limits.release(accepted.addresses.source);
  }

  openPlain(accepted: AcceptedSocket, first: Buffer): void {
    this.counters.tcpConnections++;
    const connection = new StreamConnection(this, accepted.socket, Transport.TCP, accepted);
    this.#open(connection, accepted, first);
  }

  openSecure(accepted: AcceptedSocket): void {
    const { socket, acceptedAt, addresses } = accepted;
    this.tls?.accept({ socket, acceptedAt, client: clientNetwork(addresses.source) }, (secure) => {
      this.counters.tlsConnections++;
      const connection = new StreamConnection(this, secure, Transport.TLS, accepted);
      const { endpoint } = connection;
      endpoint.encryption = { protocol: secure.getProtocol() ?? '', cipher: secure.getCipher().name };
      this.#open(connection, accepted, null);
    });
  }

  #acquire({ addresses, isOfProxy }: AcceptedSocket): Admission {
    const { connections, connectionsPerClient } = this.settings;
    // All clients behind a proxy have its address until its header has come.
    return this.#limits.acquire(addresses.source, connections, isOfProxy ? 0 : connectionsPerClient);
  }

  // Its place is free at once, its descriptor too; 'close' comes later.
  #makeRoom(): boolean {
    const oldest = this.#strangers.takeOldest();
    if (oldest === null) return false;
    this.counters.madeRoom++;
    this.leave(oldest);
    oldest.destroy();
    return true;
  }

  async #listen(served: ServedStreams, open: (listener: StreamListener) => Promise<void>): Promise<StreamListener> {
    const { mode } = served;
    if (mode !== StreamMode.TCP && this.tls === null) throw new Error(`${mode} needs certificates`);
    const listener = new StreamListener(this, served);
    await open(listener);
    this.#listeners.add(listener);
    return listener;
  }

  // Until every connection is closed, or time is up.
  #lastBytes(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LINGER);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #open(connection: StreamConnection, accepted: AcceptedSocket, first: Buffer | null): void {
    accepted.connection = connection;
    this.#connections.add(connection);
    connection.start(first);
  }
}

function ignore(): void {}

function never(): boolean {
  return false;
}
