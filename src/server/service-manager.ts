// What a service manager is told (sd_notify): that the server is ready, reloads, stops; how it is doing; and, where a
// watchdog is asked for, that it lives. Time comes from outside. Knows no socket.

import type { Timers } from '../workers/supervisor.ts';

/** How things stand, for whoever looks at `systemctl status`. */
export interface ServiceFigures {
  readonly allocations: number;
  readonly workers: number;
  readonly isDraining: boolean;
  /** Whether every process of the server lives: without, the watchdog is not fed. */
  readonly isAlive: boolean;
}

/** What a service manager is told with. */
export interface ServiceManagerOptions {
  readonly timers: Timers;
  /** Microseconds of CLOCK_MONOTONIC. */
  readonly monotonicMicroseconds: () => bigint;
  /** Sends one datagram: assignments, a line each. */
  readonly send: (text: string) => void;
  /** Milliseconds without a sign of life after which the service is killed; null = no watchdog. */
  readonly watchdogMs: number | null;
}

/** How often the figures are told, if they are others. */
export const STATUS_MS = 10_000;
/** While it drains because it has to stop, it asks for so much more time again and again: three times {@link STATUS_MS}. */
const EXTENSION_MICROSECONDS = 30_000_000;

/** Speaks to one service manager, or to nobody. */
export class ServiceManager {
  readonly #options: ServiceManagerOptions;
  readonly #stopTimers: (() => void)[] = [];
  #figures: () => ServiceFigures = nobody;
  #isStopping = false;
  #told = '';

  constructor(options: ServiceManagerOptions) {
    this.#options = options;
  }

  /** The server serves. From now on its figures are told, and the watchdog is fed at twice the rate that it asks for. */
  ready(figures: () => ServiceFigures): void {
    const { timers, watchdogMs } = this.#options;
    this.#figures = figures;
    this.#tell('READY=1');
    this.#stopTimers.push(timers.every(STATUS_MS, () => this.#tellStatus()));
    if (watchdogMs === null) return;
    this.#feed();
    this.#stopTimers.push(timers.every(watchdogMs / 2, () => this.#feed()));
  }

  /** It reads its configuration again; {@link reloaded} follows. */
  reloading(): void {
    this.#options.send(`RELOADING=1\nMONOTONIC_USEC=${this.#options.monotonicMicroseconds()}`);
  }

  /** It has done so, or refused. */
  reloaded(): void {
    this.#tell('READY=1');
  }

  /** It is about to end: at once, or when calls have. */
  stopping(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#tell('STOPPING=1');
  }

  /** Idempotent. */
  close(): void {
    for (const stop of this.#stopTimers.splice(0)) stop();
  }

  #tell(state: string): void {
    this.#told = describe(this.#figures());
    this.#options.send(`${state}\nSTATUS=${this.#told}`);
  }

  #tellStatus(): void {
    const status = describe(this.#figures());
    const lines = status === this.#told ? [] : [`STATUS=${status}`];
    // Else it would be killed after TimeoutStopSec=, whatever drain.timeout says.
    if (this.#isStopping) lines.push(`EXTEND_TIMEOUT_USEC=${EXTENSION_MICROSECONDS}`);
    this.#told = status;
    if (lines.length > 0) this.#options.send(lines.join('\n'));
  }

  #feed(): void {
    if (this.#figures().isAlive) this.#options.send('WATCHDOG=1');
  }
}

function describe({ allocations, workers, isDraining }: ServiceFigures): string {
  const shape = workers === 0 ? 'in one process' : `on ${workers} worker${workers === 1 ? '' : 's'}`;
  return `${isDraining ? 'Draining' : 'Serving'}: ${allocations} allocation${allocations === 1 ? '' : 's'} ${shape}`;
}

function nobody(): ServiceFigures {
  return { allocations: 0, workers: 0, isDraining: false, isAlive: true };
}
