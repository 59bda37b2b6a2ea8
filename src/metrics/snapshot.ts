// What metrics are made of: the counters of all processes and what else can be told of a server at one moment. Declares,
// does nothing: the server fills it.

import type { CounterTree } from '../workers/counter-tree.ts';

/** A server at one moment. */
export interface MetricsSnapshot {
  readonly plane: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly isReady: boolean;
  /** Of whoever serves clients: all workers, the dead ones included, or the one process that is the whole server. */
  readonly counters: CounterTree;
  /** Of the main process beside workers; null where it serves clients itself. */
  readonly main: CounterTree | null;
  readonly workers: readonly WorkerMetrics[];
  /** Workers that died so far. */
  readonly workersLost: number;
  readonly relayPorts: readonly RelayPorts[];
  /** When each certificate ends, in the order of the configuration: Unix milliseconds. */
  readonly certificates: readonly number[];
  /** Null where there is none. */
  readonly store: StoreMetrics | null;
  readonly events: EventMetrics;
}

/** One worker. */
export interface WorkerMetrics {
  /** 1 and up: of as many as are configured. */
  readonly worker: number;
  /** Whether it serves and told its counters when it was asked for this snapshot. */
  readonly hasAnswered: boolean;
}

/** Relay ports of one address family. */
export interface RelayPorts {
  readonly family: 'ipv4' | 'ipv6';
  readonly free: number;
  readonly total: number;
}

/** The store. */
export interface StoreMetrics {
  readonly isAnswering: boolean;
  /** `calls` (a histogram of seconds) and `faults` (by StoreFault). */
  readonly counters: CounterTree;
}

/** Events on their way to whoever listens. */
export interface EventMetrics {
  /** Of the stream: those that read it now. */
  readonly readers: number;
  /** Events that readers were too slow for. */
  readonly lost: number;
  readonly webhooks: {
    readonly delivered: number;
    readonly failed: number;
    readonly dropped: number;
    readonly postsTaken: number;
    readonly postsFailed: number;
    /** Events that wait now. */
    readonly waiting: number;
  };
}
