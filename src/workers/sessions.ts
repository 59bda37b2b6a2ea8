// Allocations as plain data: listed page by page and ended by order, the same in every process. Knows the engine and
// nothing of who asks.

import type { Allocation } from '../turn/allocation.ts';
import type { Engine } from '../turn/engine.ts';
import { ReleaseReason } from '../turn/env.ts';

/** One allocation. */
export interface SessionInfo {
  readonly id: number;
  /** Who holds it; 0 where all is one process. */
  readonly worker: number;
  /** Empty when anonymous. */
  readonly user: string;
  readonly client: string;
  readonly transport: string;
  readonly relayed: readonly string[];
  /** Seconds since it was made. */
  readonly age: number;
  /** Seconds until it ends unless it is refreshed. */
  readonly remaining: number;
  readonly permissions: number;
  readonly channels: number;
  readonly packetsFromClient: number;
  readonly bytesFromClient: number;
  readonly packetsToClient: number;
  readonly bytesToClient: number;
}

/** Which sessions to list, in the order of their ids. */
export interface SessionQuery {
  /** Only this user's; null = all. */
  readonly user: string | null;
  /** Only ids above. */
  readonly after: number;
  readonly limit: number;
}

/** Which sessions to end. */
export type SessionSelector = { readonly id: number } | { readonly user: string };

/** What sessions are read from. */
export interface SessionSource {
  readonly engine: Engine;
  /** 0 where all is one process. */
  readonly worker: number;
  /** Monotonic milliseconds. */
  readonly now: number;
}

/** One page of the sessions of an engine. */
export function listSessions({ engine, worker, now }: SessionSource, query: SessionQuery): SessionInfo[] {
  const page: SessionInfo[] = [];
  // Allocations are kept in the order in which they were made, which is that of their ids.
  for (const allocation of engine.allocations.list()) {
    if (page.length >= query.limit) break;
    if (allocation.id <= query.after) continue;
    if (query.user !== null && query.user !== userOf(allocation)) continue;
    page.push(describe(allocation, worker, now));
  }
  return page;
}

/** Ends sessions. @returns how many */
export function endSessions(engine: Engine, selector: SessionSelector): number {
  const isMeant = (allocation: Allocation): boolean =>
    'id' in selector ? allocation.id === selector.id : userOf(allocation) === selector.user;
  const ended = [...engine.allocations.list()].filter(isMeant);
  for (const allocation of ended) engine.release(allocation, ReleaseReason.ADMINISTRATIVE);
  return ended.length;
}

function describe(allocation: Allocation, worker: number, now: number): SessionInfo {
  const relays = allocation.relays();
  const live = (field: 'packetsToPeer' | 'bytesToPeer' | 'packetsToClient' | 'bytesToClient'): number =>
    relays.reduce((sum, relay) => sum + relay[field], allocation[field]);
  const deadline = Math.max(now, ...relays.map((relay) => relay.deadline));
  return {
    id: allocation.id,
    worker,
    user: userOf(allocation),
    client: allocation.endpoint.client.text,
    transport: allocation.endpoint.transport,
    relayed: relays.map((relay) => relay.relayed.text),
    age: Math.floor((now - allocation.createdAt) / 1000),
    remaining: Math.ceil((deadline - now) / 1000),
    permissions: [...allocation.permissions.list()].length,
    channels: allocation.channels.size,
    packetsFromClient: live('packetsToPeer'),
    bytesFromClient: live('bytesToPeer'),
    packetsToClient: live('packetsToClient'),
    bytesToClient: live('bytesToClient'),
  };
}

function userOf({ credential }: Allocation): string {
  return credential?.username ?? '';
}
