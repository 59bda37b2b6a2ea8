// Turns accepted sockets into TLS sockets: handshakes in bounded number, rate and time. Knows no STUN.

import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { HandshakeBudget } from './handshake-budget.ts';
import { ALPN_PROTOCOLS } from './secure-context.ts';

/** Where contexts come from: asked at each handshake, so that new certificates are used at once. */
export interface SecureContexts {
  /** For a client that names no server, or an unknown one. */
  readonly defaultContext: SecureContext;
  /** For the server name that a client asks for. Never throws. */
  contextFor(serverName: string): SecureContext;
}

/** Monotonic milliseconds. */
export interface TlsClock {
  now(): number;
}

/**
 * Handshakes in progress at most; the oldest makes room. With 200 that may begin in a second, each has a second at least:
 * whoever leaves handshakes half-open by the dozen keeps nobody out.
 */
export const HANDSHAKES_IN_PROGRESS = 200;

/** Counts since the start. */
export class TlsCounters {
  /** Handshakes that succeeded. */
  handshakes = 0;
  /** Handshakes that failed: no common version, suite or protocol, or no TLS at all. */
  handshakeFailures = 0;
  /** Handshakes that did not end in time. */
  handshakeTimeouts = 0;
  /** Handshakes that made room for others: too many were in progress. */
  handshakesMadeRoom = 0;
  /** Connections closed before a handshake: too many of one client in progress, or too many per second. */
  handshakesRefused = 0;
}

/** A socket whose ClientHello is still in its buffer. */
export interface TlsCandidate {
  readonly socket: Socket;
  /** A key for the network that it is counted by. */
  readonly client: string;
  /** Monotonic milliseconds; the handshake's time runs from here. */
  readonly acceptedAt: number;
}

/** One per process. */
export class TlsAcceptor {
  readonly counters = new TlsCounters();
  readonly #contexts: SecureContexts;
  readonly #clock: TlsClock;
  readonly #budget: HandshakeBudget;
  readonly #timeoutMs: number;
  readonly #protocols: readonly string[];
  /** Handshakes in progress. */
  readonly #handshakes = new Map<TLSSocket, TlsCandidate>();

  /**
   * @param handshakeTimeout seconds from accept to the handshake's end; Node's own default of 120 s only reports
   * @param protocols of ALPN; those of TURN if absent
   */
  constructor(
    contexts: SecureContexts,
    clock: TlsClock,
    handshakeTimeout: number,
    protocols: readonly string[] = ALPN_PROTOCOLS,
  ) {
    this.#contexts = contexts;
    this.#clock = clock;
    this.#timeoutMs = handshakeTimeout * 1000;
    this.#protocols = protocols;
    this.#budget = new HandshakeBudget(clock.now());
  }

  /** Handshakes in progress. */
  get handshaking(): number {
    return this.#handshakes.size;
  }

  /**
   * Begins a handshake, or closes the socket.
   * @param onSecure called with the TLS socket once the handshake has succeeded; its errors are the callee's from then
   */
  accept(candidate: TlsCandidate, onSecure: (secure: TLSSocket) => void): void {
    const { socket, client } = candidate;
    if (!this.#budget.acquire(this.#clock.now(), client)) {
      this.counters.handshakesRefused++;
      socket.destroy();
      return;
    }
    this.#makeRoom();
    const secure = this.#wrap(socket);
    this.#handshakes.set(secure, candidate);
    secure.once('secure', () => {
      if (!this.#finish(secure)) return;
      this.counters.handshakes++;
      onSecure(secure);
    });
    // From birth to death: alerts and resets may come at any time.
    secure.on('error', () => this.#fail(secure));
    secure.once('close', () => this.#fail(secure));
  }

  /** Destroys handshakes that have taken too long. */
  sweep(now: number): void {
    for (const [secure, { acceptedAt }] of this.#handshakes) {
      if (now - acceptedAt < this.#timeoutMs) continue;
      this.counters.handshakeTimeouts++;
      this.#finish(secure);
      secure.destroy();
    }
  }

  /** Destroys every handshake in progress. */
  close(): void {
    for (const secure of [...this.#handshakes.keys()]) {
      this.#finish(secure);
      secure.destroy();
    }
  }

  #makeRoom(): void {
    if (this.#handshakes.size < HANDSHAKES_IN_PROGRESS) return;
    // A map keeps the order of insertion.
    const [oldest] = this.#handshakes.keys();
    if (oldest === undefined || !this.#finish(oldest)) return;
    this.counters.handshakesMadeRoom++;
    oldest.destroy();
  }

  #wrap(socket: Socket): TLSSocket {
    return new TLSSocket(socket, {
      isServer: true,
      secureContext: this.#contexts.defaultContext,
      // The list, not ALPNCallback: OpenSSL chooses and sends no_application_protocol itself (RFC 7301 §3.2).
      ALPNProtocols: [...this.#protocols],
      SNICallback: (serverName, done) => done(null, this.#contextOtherThanDefault(serverName)),
    });
  }

  // Naming the default context anew would leave one of its certificates (seen on Node 24): no answer keeps them all.
  #contextOtherThanDefault(serverName: string): SecureContext | undefined {
    const context = this.#contexts.contextFor(serverName);
    return context === this.#contexts.defaultContext ? undefined : context;
  }

  #fail(secure: TLSSocket): void {
    if (!this.#finish(secure)) return;
    this.counters.handshakeFailures++;
    secure.destroy();
  }

  // True for the first to say that the handshake is over.
  #finish(secure: TLSSocket): boolean {
    const handshake = this.#handshakes.get(secure);
    if (handshake === undefined) return false;
    this.#handshakes.delete(secure);
    this.#budget.release(handshake.client);
    return true;
  }
}
