// What the benchmark's main process and its load generators say to each other. Types only.

import type { Address } from './turn-messages.ts';
import type { Credentials } from './turn-session.ts';

/** Which way packets are relayed: client to peer, peer to client, or every other packet each way. */
export const Direction = { CLIENT_TO_PEER: 'c2p', PEER_TO_CLIENT: 'p2c', BOTH: 'both' } as const;
export type Direction = (typeof Direction)[keyof typeof Direction];

/** The load that one generator makes: everything but `clients` and `rate` is the same for all. */
export interface LoadJob {
  readonly server: Address;
  readonly credentials: Credentials;
  /** Allocations, each with one channel to one peer. */
  readonly clients: number;
  /** Bytes of application data in each packet. */
  readonly payload: number;
  /** Packets per second over all clients and directions. */
  readonly rate: number;
  /** Packets that leave back to back on one allocation. */
  readonly burst: number;
  readonly direction: Direction;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** Buckets of a Histogram as they travel between processes. */
export type Buckets = readonly (readonly [index: number, count: number])[];

/** What a generator measured. */
export interface LoadResult {
  /** Packets that `rate` and `seconds` ask for. */
  readonly offered: number;
  readonly sent: number;
  readonly received: number;
  /** How long sending took, in seconds. */
  readonly seconds: number;
  /** Latencies from send to receipt. */
  readonly latency: Buckets;
  /** How late packets were sent against their schedule. */
  readonly lateness: Buckets;
  /** The generator's own CPU time while it was sending, in microseconds. Its loop never sleeps. */
  readonly cpuMicroseconds: number;
}

/** From a generator: `ready` when all is allocated, `measuring` when the warm-up is over, `done` after the last packet. */
export type GeneratorMessage =
  | { readonly type: 'ready' | 'measuring' }
  | { readonly type: 'done'; readonly result: LoadResult }
  | { readonly type: 'failed'; readonly message: string };

/** To a generator: the job first, then `go`, and `close` when the server's cost has been read. */
export type GeneratorCommand =
  | { readonly type: 'job'; readonly job: LoadJob }
  | { readonly type: 'go' }
  | { readonly type: 'close' };
