// What the ruler's main process and its load generators say to each other. Types only, and what every kind of generator
// offers.

import type { Address } from './turn-messages.ts';

/** Which way packets are relayed: client to peer, peer to client, or every other burst each way. */
export const Direction = { CLIENT_TO_PEER: 'c2p', PEER_TO_CLIENT: 'p2c', BOTH: 'both' } as const;
export type Direction = (typeof Direction)[keyof typeof Direction];

/** Generators of batched system calls, or of Node's dgram where those cannot be had; `auto` takes the best there is. */
export const GeneratorKind = { AUTO: 'auto', BATCHED: 'batched', DGRAM: 'dgram' } as const;
export type GeneratorKind = (typeof GeneratorKind)[keyof typeof GeneratorKind];

/** A long-term credential. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** The clients of one generator, and how they are set up. */
export interface LoadJob {
  readonly generator: GeneratorKind;
  readonly server: Address;
  /** The root of the server's process tree, whose CPU time the generator reads; null if unknown or another's task. */
  readonly serverPid: number | null;
  readonly credentials: Credentials;
  /** Allocations, each with a permission and a channel to one peer. */
  readonly clients: number;
  /** How many clients set themselves up at a time. */
  readonly window: number;
  /** Whether each client has a peer that sends and receives; without, the peer is an address that nobody uses. */
  readonly peers: boolean;
  /** Bytes of application data in each packet. */
  readonly payload: number;
  /** Packets that are handed to the kernel as one (UDP GSO): the burst, or 1 for packets of their own. Batched kind only. */
  readonly gsoBurst: number;
  /** The longest sleep between looks at the sockets, in microseconds; 0 never sleeps. Only for the batched kind. */
  readonly rest: number;
}

/** One stretch of load over the clients of a generator. */
export interface LoadStep {
  /** Packets per second over all clients and directions. */
  readonly rate: number;
  /** Packets that leave back to back on one allocation. */
  readonly burst: number;
  readonly direction: Direction;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /**
   * Whether permissions, channels and allocations are refreshed while packets are sent, and how many times as often as
   * they must be; 0 = not at all. Batched kind only.
   */
  readonly renewals: number;
}

/** Buckets of a Histogram as they travel between processes. */
export type Buckets = readonly (readonly [index: number, count: number])[];

/** What setting up took. */
export interface SetUpResult {
  readonly kind: GeneratorKind;
  readonly clients: number;
  readonly seconds: number;
  /** The generator's own CPU time, in microseconds. */
  readonly cpuMicroseconds: number;
  readonly serverCpuMicroseconds: number | null;
}

/** What a generator measured in one step. */
export interface LoadResult {
  /** Packets that `rate` and `seconds` ask for. */
  readonly offered: number;
  readonly sent: number;
  readonly received: number;
  /** Packets that the kernel threw away because the generator read too slowly: not the server's loss. */
  readonly dropped: number;
  /** How long sending took, in seconds. */
  readonly seconds: number;
  /** Requests that refreshed something meanwhile. */
  readonly renewed: number;
  /** Latencies from send to receipt. */
  readonly latency: Buckets;
  /** How late packets were sent against their schedule. */
  readonly lateness: Buckets;
  /** The generator's own CPU time while it was sending, in microseconds. */
  readonly cpuMicroseconds: number;
  /** What the server's processes used from the first to the last packet, in microseconds. */
  readonly serverCpuMicroseconds: number | null;
}

/** The clients of a generator, whatever their sockets are. */
export interface Load {
  readonly kind: GeneratorKind;
  /** Makes all sockets that do not depend on the server's answers. */
  prepare(): Promise<void>;
  /** Allocates, permits and binds for every client. @throws Error when the server refuses or is silent */
  setUp(): Promise<void>;
  /** Refreshes whatever would expire within some minutes. */
  renew(): Promise<void>;
  /** Sends for `seconds`; what is counted begins where {@link LoadJob.serverPid} is first read. */
  run(step: LoadStep): Promise<LoadResult>;
  /** Ends the allocations and closes all sockets. */
  close(): Promise<void>;
}

/** From a generator. */
export type GeneratorMessage =
  | { readonly type: 'ready'; readonly result: SetUpResult }
  | { readonly type: 'done'; readonly result: LoadResult }
  | { readonly type: 'failed'; readonly message: string };

/** To a generator: the job first, then any number of steps, `close` at the end. */
export type GeneratorCommand =
  | { readonly type: 'open'; readonly job: LoadJob }
  | { readonly type: 'run'; readonly step: LoadStep }
  | { readonly type: 'close' };
