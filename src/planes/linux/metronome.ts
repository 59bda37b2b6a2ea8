// Ends the waits of the plane's epoll at regular times. A timer that runs on is cheaper than a time limit for each wait: the
// kernel would set one up and take it down again for every datagram (measured: 5 % of a worker's CPU).

import { CLOCK_MONOTONIC, ITIMERSPEC_SIZE, TFD_CLOEXEC, TFD_NONBLOCK } from './abi.ts';
import type { Arena } from './arena.ts';
import type { Libc } from './libc.ts';
import type { Pollable } from './poller.ts';
import { checked } from './system-error.ts';

// A counter of 64 bits.
const EXPIRIES_SIZE = 8;

/** A timer that is polled. */
export class Metronome implements Pollable {
  readonly fd: number;
  pollSlot = -1;
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #timeAt: number;
  readonly #time: Uint8Array;

  /** @throws SystemCallError */
  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc;
    this.#arena = arena;
    this.fd = checked(libc, 'timerfd_create', libc.timerfdCreate(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    this.#timeAt = arena.reserve(ITIMERSPEC_SIZE);
    this.#time = arena.slice(this.#timeAt, ITIMERSPEC_SIZE);
  }

  /** Beats every so many milliseconds (below 1000) from now on; 0 = not any more. */
  beat(milliseconds: number): void {
    const nanoseconds = milliseconds * 1_000_000;
    this.#arena.writeU64(this.#timeAt, 0);
    this.#arena.writeU64(this.#timeAt + 8, nanoseconds);
    this.#arena.writeU64(this.#timeAt + 16, 0);
    this.#arena.writeU64(this.#timeAt + 24, nanoseconds);
    this.#libc.timerfdSettime(this.fd, 0, this.#time, null);
  }

  // The kernel goes on only when what has expired is read.
  onReadable(): boolean {
    this.#libc.read(this.fd, this.#time, EXPIRIES_SIZE);
    return false;
  }

  onError(): void {}

  close(): void {
    this.#libc.close(this.fd);
  }
}
