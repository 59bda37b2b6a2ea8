// Keeps N workers alive: starts them, replaces the dead and the hung, and gives up when they die too fast. Time comes
// from outside. Knows the few messages that tell life from death; every other one is passed on.

import type { FromWorker, ToWorker } from './messages.ts';

/** A spawned worker process, as main sees it. */
export interface WorkerProcess {
  readonly pid: number;
  /** Never throws; what is sent to a dead worker is lost. */
  send(message: ToWorker): void;
  /** SIGKILL. */
  kill(): void;
}

/** What a worker process reports to. */
export interface WorkerProcessOwner {
  said(message: FromWorker): void;
  /** It is gone; said exactly once, after its last message. */
  exited(how: WorkerExit): void;
}

/** How a process ended: one of the two is null, and both if there was none. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Monotonic milliseconds and timers; each timer returns how to stop it. */
export interface Timers {
  now(): number;
  after(milliseconds: number, act: () => void): () => void;
  every(milliseconds: number, act: () => void): () => void;
}

/** A worker that is gone. */
export interface WorkerLoss extends WorkerExit {
  readonly worker: number;
  readonly pid: number;
  /** Allocations that it held by its last heartbeat. */
  readonly allocations: number;
  /** What it said of itself, or what main knows: a sentence without a full stop; null = nothing. */
  readonly reason: string | null;
}

/** How a worker is. */
export interface WorkerState {
  readonly worker: number;
  readonly isServing: boolean;
  /** Milliseconds since it last showed that it lives. */
  readonly silentFor: number;
}

/** What the supervisor is made with. */
export interface SupervisorOptions {
  readonly workers: number;
  readonly timers: Timers;
  /** Starts a process and gives it whatever it needs. */
  readonly spawn: (worker: number, owner: WorkerProcessOwner) => WorkerProcess;
  /** A message that concerns others. */
  readonly said: (worker: number, message: FromWorker) => void;
  /** A worker has died: whatever it held is free. Not called for one that was told to stop. */
  readonly lost: (loss: WorkerLoss) => void;
  /** A worker that was told to stop is gone. */
  readonly stopped: (worker: number) => void;
  /** Workers die too fast to go on; a sentence says so. Every worker is killed by then. */
  readonly gaveUp: (reason: string) => void;
}

/** Without a heartbeat for so long a worker hangs. */
export const HANG_MS = 10_000;
/** A worker starts in a second; a machine under load may need longer. */
const START_MS = 30_000;
/** A worker that hangs is killed, and its successor begins to start, in less. */
export const REPLACE_MS = 10_000;
const CHECK_MS = 1000;
const CRASH_WINDOW_MS = 60_000;
const MAX_CRASHES = 5;
/** From the second crash of a minute on, each successor waits twice as long. */
const FIRST_DELAY_MS = 100;

type Phase = 'starting' | 'serving' | 'hung' | 'stopping' | 'gone';

interface Slot {
  readonly worker: number;
  process: WorkerProcess | null;
  phase: Phase;
  /** When it last showed that it lives. */
  heardAt: number;
  allocations: number;
  reason: string | null;
}

/** Starts and watches the workers. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: readonly Slot[];
  readonly #stopTimers = new Set<() => void>();
  #crashes: number[] = [];
  #checkedAt = 0;
  #begun: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;
  #ended: (() => void) | null = null;
  #isStopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.workers }, (_, index) => emptySlot(index + 1));
  }

  /** Allocations of all workers by their last heartbeats. */
  get allocations(): number {
    return this.#slots.reduce((sum, slot) => sum + slot.allocations, 0);
  }

  /** Workers that serve now. */
  get serving(): readonly number[] {
    return this.#slots.filter(({ phase }) => phase === 'serving').map(({ worker }) => worker);
  }

  /** All workers, whether they live or not. */
  get states(): readonly WorkerState[] {
    const now = this.#options.timers.now();
    return this.#slots.map(({ worker, phase, heardAt }) => {
      return { worker, isServing: phase === 'serving', silentFor: now - heardAt };
    });
  }

  /** Whether no worker has been silent for longer than it takes to replace one that hangs: else supervision itself fails. */
  get isWell(): boolean {
    const now = this.#options.timers.now();
    return this.#slots.every(({ phase, heardAt }) => now - heardAt < limitOf(phase) + REPLACE_MS);
  }

  /** Starts all workers; resolves when each serves. Rejects with what the first one said that cannot. */
  start(): Promise<void> {
    const { timers } = this.#options;
    this.#checkedAt = timers.now();
    this.#stopTimers.add(timers.every(CHECK_MS, () => this.#check()));
    return new Promise((resolve, reject) => {
      this.#begun = { resolve, reject };
      for (const slot of this.#slots) this.#spawn(slot);
    });
  }

  /** Ends all workers: they have `limit` milliseconds to end by themselves. Resolves when all are gone. */
  async stop(limit: number): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#clearTimers();
    const live = this.#slots.filter(({ process }) => process !== null);
    if (live.length === 0) return;
    for (const slot of live) {
      slot.phase = 'stopping';
      slot.process?.send({ kind: 'stop' });
    }
    const stopTimer = this.#options.timers.after(limit, () => this.#killAll());
    await new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    stopTimer();
  }

  #spawn(slot: Slot): void {
    if (this.#isStopping) return;
    slot.phase = 'starting';
    slot.heardAt = this.#options.timers.now();
    slot.allocations = 0;
    slot.reason = null;
    const said = (message: FromWorker): void => this.#said(slot, message);
    const exited = (how: WorkerExit): void => this.#exited(slot, how);
    try {
      slot.process = this.#options.spawn(slot.worker, { said, exited });
    } catch (error) {
      // No descriptor or no memory is left: as bad as a crash, and perhaps better soon.
      slot.reason = (error as Error).message;
      exited({ code: null, signal: null });
    }
  }

  #said(slot: Slot, message: FromWorker): void {
    slot.heardAt = this.#options.timers.now();
    if (message.kind === 'ready') this.#serves(slot);
    else if (message.kind === 'failed') slot.reason = message.reason;
    else if (message.kind === 'beat') slot.allocations = message.allocations;
    this.#options.said(slot.worker, message);
  }

  #serves(slot: Slot): void {
    if (slot.phase === 'starting') slot.phase = 'serving';
    if (this.#slots.some(({ phase }) => phase !== 'serving')) return;
    this.#begun?.resolve();
    this.#begun = null;
  }

  #exited(slot: Slot, how: WorkerExit): void {
    const { phase, process } = slot;
    slot.process = null;
    slot.phase = 'gone';
    if (phase === 'stopping') {
      this.#options.stopped(slot.worker);
    } else {
      const { worker, allocations, reason } = slot;
      this.#options.lost({ worker, pid: process?.pid ?? 0, allocations, reason, ...how });
    }
    slot.allocations = 0;
    if (this.#isStopping) this.#endIfGone();
    else if (this.#begun !== null) this.#failToBegin(slot, how);
    else this.#replace(slot);
  }

  // What keeps one worker from starting keeps its successor from it as well.
  #failToBegin(slot: Slot, how: WorkerExit): void {
    const begun = this.#begun;
    this.#begun = null;
    this.#giveUpOnAll();
    begun?.reject(new Error(slot.reason ?? `worker ${slot.worker} ended at its start (${describeExit(how)})`));
  }

  #replace(slot: Slot): void {
    const { timers, gaveUp } = this.#options;
    const now = timers.now();
    this.#crashes = [...this.#crashes.filter((at) => now - at < CRASH_WINDOW_MS), now];
    const count = this.#crashes.length;
    if (count >= MAX_CRASHES) {
      this.#giveUpOnAll();
      const seconds = CRASH_WINDOW_MS / 1000;
      gaveUp(
        `${count} workers ended within ${seconds} seconds${slot.reason === null ? '' : `, the last one: ${slot.reason}`}`,
      );
      return;
    }
    if (count === 1) return this.#spawn(slot);
    const stop = timers.after(FIRST_DELAY_MS * 2 ** (count - 2), () => {
      this.#stopTimers.delete(stop);
      this.#spawn(slot);
    });
    this.#stopTimers.add(stop);
  }

  #check(): void {
    const now = this.#options.timers.now();
    const wasAsleep = now - this.#checkedAt > HANG_MS / 2;
    this.#checkedAt = now;
    for (const slot of this.#slots) {
      // Whoever did not look for so long has heartbeats waiting that it has not read.
      if (wasAsleep) slot.heardAt = now;
      const limit = limitOf(slot.phase);
      const isWatched = slot.phase === 'starting' || slot.phase === 'serving';
      if (!isWatched || now - slot.heardAt < limit) continue;
      slot.phase = 'hung';
      slot.reason = `no sign of life for ${limit / 1000} seconds`;
      slot.process?.kill();
    }
  }

  #giveUpOnAll(): void {
    this.#isStopping = true;
    this.#clearTimers();
    for (const slot of this.#slots) if (slot.process !== null) slot.phase = 'stopping';
    this.#killAll();
  }

  #killAll(): void {
    for (const { process } of this.#slots) process?.kill();
  }

  #endIfGone(): void {
    if (this.#slots.every(({ process }) => process === null)) this.#ended?.();
  }

  #clearTimers(): void {
    for (const stop of this.#stopTimers) stop();
    this.#stopTimers.clear();
  }
}

function limitOf(phase: Phase): number {
  return phase === 'starting' ? START_MS : HANG_MS;
}

/** How a process ended, in words. */
export function describeExit({ code, signal }: WorkerExit): string {
  if (signal !== null) return signal;
  return code === null ? 'it could not be started' : `exit code ${code}`;
}

function emptySlot(worker: number): Slot {
  return { worker, process: null, phase: 'gone', heardAt: 0, allocations: 0, reason: null };
}
