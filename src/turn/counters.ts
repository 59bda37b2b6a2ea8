// What an engine counts: plain numbers, read at leisure by metrics. Whatever is told apart (transport, method, code,
// reason) is one of few that the protocol knows: nothing here is per client.

import { Method } from '../stun/methods.ts';
import { DROP_REASON_COUNT, type DropReason } from './drop-reason.ts';
import type { AuthFailure, ReleaseReason } from './env.ts';
import { Histogram } from './histogram.ts';
import { Transport } from './transport.ts';

/** What is relayed for the clients of one transport: payload, without TURN framing. */
export class TransportCounters {
  /** Allocations that were made. */
  allocations = 0;
  packetsToPeer = 0;
  bytesToPeer = 0;
  packetsToClient = 0;
  bytesToClient = 0;
}

/** Requests of one method. What is neither answered nor refused was dropped. */
export class MethodCounters {
  requests = 0;
  successes = 0;
  errors = 0;
}

/** Answers 401, the challenges that begin a login among them. */
export class ChallengeCounters {
  sent = 0;
  /** Not sent: beyond the budget of their source. */
  overBudget = 0;
}

/** Counters of one engine since its start. Packets and bytes are payload as relayed, without TURN framing. */
export class EngineCounters {
  packetsToPeer = 0;
  bytesToPeer = 0;
  packetsToClient = 0;
  bytesToClient = 0;
  /** Packets that went from one relayed address of this process to another without leaving it. */
  packetsCrossed = 0;
  /** Packets that went by the kernel to a relayed address of another process of this server. */
  packetsToNeighbours = 0;
  /** ICMP errors that clients were told of. */
  errorsToClient = 0;
  requests = 0;
  /** Responses that were sent: the others of {@link requests} were dropped, or are being worked on. */
  responses = 0;
  /** Binding indications: they keep a NAT binding alive, and nothing is done. */
  keepAlives = 0;
  readonly transports: Readonly<Record<Transport, TransportCounters>> = {
    [Transport.UDP]: new TransportCounters(),
    [Transport.TCP]: new TransportCounters(),
    [Transport.TLS]: new TransportCounters(),
    [Transport.DTLS]: new TransportCounters(),
  };
  readonly methods = {
    binding: new MethodCounters(),
    allocate: new MethodCounters(),
    refresh: new MethodCounters(),
    createPermission: new MethodCounters(),
    channelBind: new MethodCounters(),
  };
  /** Error responses by code. */
  readonly errors = new Map<number, number>();
  readonly challenges = new ChallengeCounters();
  /** Failed logins by reason, each request of a braked one included. */
  readonly authFailures = new Map<AuthFailure, number>();
  /** Allocations that ended, by reason. */
  readonly ended = new Map<ReleaseReason, number>();
  /** Seconds from the request to the response, of each Allocate that succeeded. */
  readonly setUp = new Histogram();
  /** Refusals of peers by policy: requests answered 403, and datagrams (which are among {@link dropped} as well). */
  peerDenied = 0;
  /** Requests answered 508 because they name new peers too fast (S39). */
  scanLimited = 0;
  /** Allocate requests answered 508 because memory is short (R24). */
  memoryLimited = 0;
  /** Drops by {@link DropReason}. */
  readonly dropped: Float64Array = new Float64Array(DROP_REASON_COUNT);

  drop(reason: DropReason): void {
    (this.dropped[reason] as number)++;
  }

  /** The counters of a method that is served, or null. */
  method(method: number): MethodCounters | null {
    switch (method) {
      case Method.BINDING:
        return this.methods.binding;
      case Method.ALLOCATE:
        return this.methods.allocate;
      case Method.REFRESH:
        return this.methods.refresh;
      case Method.CREATE_PERMISSION:
        return this.methods.createPermission;
      case Method.CHANNEL_BIND:
        return this.methods.channelBind;
      default:
        return null;
    }
  }

  /** An error response was sent. */
  error(method: number, code: number): void {
    countOne(this.errors, code);
    const counters = this.method(method);
    if (counters !== null) counters.errors++;
  }

  /** A success response was sent. */
  success(method: number): void {
    const counters = this.method(method);
    if (counters !== null) counters.successes++;
  }

  /** A login has failed. */
  authFailed(reason: AuthFailure): void {
    countOne(this.authFailures, reason);
  }
}

/** Adds one to the count of `key`: of few that are possible, so that the map stays small. */
export function countOne<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
