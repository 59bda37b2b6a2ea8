// Sends numbered packets through a relay and counts what comes back. Knows neither how they go nor who returns them.

import { randomBytes } from 'node:crypto';
import type { Timers } from '../../client/timers.ts';

// packet = token(64) number(32) filler
const TOKEN_LENGTH = 8;
/** The smallest packet. */
export const MIN_ECHO_SIZE: number = TOKEN_LENGTH + 4;
/** The largest: what passes any usual path in one piece with the headers of TURN. */
export const MAX_ECHO_SIZE = 1400;

const INTERVAL_MS = 20;

/** What came back. Times in milliseconds; 0 when nothing did. */
export interface EchoResult {
  readonly sent: number;
  readonly received: number;
  readonly lossPercent: number;
  readonly minMs: number;
  readonly averageMs: number;
  readonly maxMs: number;
}

/** How it is done. */
export interface EchoOptions {
  readonly count: number;
  readonly size: number;
  /** How long to wait for the last packets. */
  readonly timeoutMs: number;
  readonly timers: Timers;
}

/** A run of packets. Hand what comes back to {@link onPacket}. */
export class EchoRun {
  readonly #options: EchoOptions;
  readonly #send: (packet: Buffer) => void;
  readonly #token = randomBytes(TOKEN_LENGTH);
  readonly #sentAt: number[] = [];
  readonly #rtts = new Map<number, number>();
  #finish: () => void = () => {};

  constructor(options: EchoOptions, send: (packet: Buffer) => void) {
    this.#options = options;
    this.#send = send;
  }

  /** Counts a packet if it is one of this run and was not counted before. */
  onPacket(packet: Buffer): void {
    if (packet.length !== this.#options.size || packet.compare(this.#token, 0, TOKEN_LENGTH, 0, TOKEN_LENGTH) !== 0)
      return;
    const number = packet.readUInt32BE(TOKEN_LENGTH);
    const sentAt = this.#sentAt[number];
    if (sentAt === undefined || this.#rtts.has(number)) return;
    this.#rtts.set(number, this.#options.timers.now() - sentAt);
    if (this.#rtts.size === this.#options.count) this.#finish();
  }

  /** Sends all packets and waits for them, at most so long as the options say after the last. */
  run(): Promise<EchoResult> {
    const { timers, timeoutMs, count } = this.#options;
    return new Promise((resolve) => {
      let cancel: () => void = () => {};
      let isDone = false;
      this.#finish = () => {
        isDone = true;
        cancel();
        resolve(this.#result());
      };
      const turn = (): void => {
        this.#sendNext();
        if (isDone) return;
        const isLast = this.#sentAt.length === count;
        cancel = timers.after(isLast ? timeoutMs : INTERVAL_MS, isLast ? this.#finish : turn);
      };
      turn();
    });
  }

  #sendNext(): void {
    const packet = Buffer.alloc(this.#options.size, 0x5a);
    this.#token.copy(packet);
    packet.writeUInt32BE(this.#sentAt.length, TOKEN_LENGTH);
    this.#sentAt.push(this.#options.timers.now());
    this.#send(packet);
  }

  #result(): EchoResult {
    const rtts = [...this.#rtts.values()];
    const [sent, received] = [this.#sentAt.length, rtts.length];
    const sum = rtts.reduce((total, rtt) => total + rtt, 0);
    return {
      sent,
      received,
      lossPercent: round(100 * (1 - received / sent)),
      minMs: received === 0 ? 0 : round(Math.min(...rtts)),
      averageMs: received === 0 ? 0 : round(sum / received),
      maxMs: received === 0 ? 0 : round(Math.max(...rtts)),
    };
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
