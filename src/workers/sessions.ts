// Allocations as plain data: listed page by page and ended by order, the same in every process. Knows the engine and
// nothing of who asks.

import { TransportAddress } from '../stun/transport-address.ts';
import type { Allocation } from '../turn/allocation.ts';
import type { Channel } from '../turn/channel.ts';
import type { Engine } from '../turn/engine.ts';
import { ReleaseReason } from '../turn/env.ts';

/** One allocation. */
export interface SessionInfo {
  readonly id: number;
  /** Who holds it; 0 where all is one process. */
  readonly worker: number;
  /** Empty when anonymous, as its realm. */
  readonly user: string;
  readonly realm: string;
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
  /** Packets that were dropped because a rate was exceeded. */
  readonly overRateFromClient: number;
  readonly overRateToClient: number;
}

/** A live permission of an allocation. */
export interface PermissionInfo {
  /** IP address of the peer. */
  readonly peer: string;
  /** Seconds until it ends unless it is refreshed. */
  readonly remaining: number;
}

/** A live channel of an allocation. */
export interface ChannelInfo {
  readonly number: number;
  /** Address and port of the peer. */
  readonly peer: string;
  /** The relayed address that the peer sees. */
  readonly relayed: string;
  /** Seconds until it ends unless it is refreshed. */
  readonly remaining: number;
  readonly packetsToPeer: number;
  readonly bytesToPeer: number;
  readonly packetsToClient: number;
  readonly bytesToClient: number;
}

/** One allocation with its peers. */
export interface SessionDetail extends SessionInfo {
  readonly permissionList: readonly PermissionInfo[];
  readonly channelList: readonly ChannelInfo[];
}

/** Which sessions to list, in the order of their ids. A filter that is null lets all through. */
export interface SessionQuery {
  readonly user: string | null;
  readonly realm: string | null;
  /** The client's address: `IP`, or `IP:port` as a session shows it. */
  readonly client: string | null;
  /** Of the client: `udp`, `tcp`, `tls`. */
  readonly transport: string | null;
  /** Only ids above. */
  readonly after: number;
  readonly limit: number;
}

/** Which sessions to end. */
export type SessionSelector =
  | { readonly id: number }
  /** All of a user; a realm that is null stands for all. */
  | { readonly user: string; readonly realm: string | null };

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
    if (!isWanted(allocation, query)) continue;
    page.push(describe(allocation, worker, now));
  }
  return page;
}

/** One session with its peers, or null if there is none of that id. */
export function showSession({ engine, worker, now }: SessionSource, id: number): SessionDetail | null {
  for (const allocation of engine.allocations.list()) {
    if (allocation.id === id) return describeWhole(allocation, worker, now);
  }
  return null;
}

/** Ends sessions. @returns how many */
export function endSessions(engine: Engine, selector: SessionSelector): number {
  const isMeant = (allocation: Allocation): boolean =>
    'id' in selector ? allocation.id === selector.id : isOf(allocation, selector);
  const ended = [...engine.allocations.list()].filter(isMeant);
  for (const allocation of ended) engine.release(allocation, ReleaseReason.ADMINISTRATIVE);
  return ended.length;
}

function isOf(allocation: Allocation, { user, realm }: Pick<SessionQuery, 'user' | 'realm'>): boolean {
  return (user === null || user === userOf(allocation)) && (realm === null || realm === allocation.realm);
}

function isWanted(allocation: Allocation, query: SessionQuery): boolean {
  const { endpoint } = allocation;
  const { client, transport } = query;
  if (!isOf(allocation, query)) return false;
  if (transport !== null && transport !== endpoint.transport) return false;
  return client === null || client === endpoint.client.ip.text || client === endpoint.client.text;
}

function describeWhole(allocation: Allocation, worker: number, now: number): SessionDetail {
  const live = allocation.permissions.list().filter((permission) => permission.isLive(now));
  const channels = [...allocation.channels.values()].filter((channel) => channel.isLive(now));
  return {
    ...describe(allocation, worker, now),
    permissionList: live.map(({ peer, deadline }) => ({ peer: peer.text, remaining: secondsUntil(deadline, now) })),
    channelList: channels.map((channel) => describeChannel(channel, now)),
  };
}

function describeChannel(channel: Channel, now: number): ChannelInfo {
  const { number, permission, port, relay, deadline } = channel;
  const { packetsToPeer, bytesToPeer, packetsToClient, bytesToClient } = channel;
  return {
    number,
    peer: new TransportAddress(permission.peer, port).text,
    relayed: relay.relayed.text,
    remaining: secondsUntil(deadline, now),
    ...{ packetsToPeer, bytesToPeer, packetsToClient, bytesToClient },
  };
}

function secondsUntil(deadline: number, now: number): number {
  return Math.ceil((deadline - now) / 1000);
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
    realm: allocation.realm,
    client: allocation.endpoint.client.text,
    transport: allocation.endpoint.transport,
    relayed: relays.map((relay) => relay.relayed.text),
    age: Math.floor((now - allocation.createdAt) / 1000),
    remaining: secondsUntil(deadline, now),
    permissions: allocation.permissions.size,
    channels: allocation.channels.size,
    packetsFromClient: live('packetsToPeer'),
    bytesFromClient: live('bytesToPeer'),
    packetsToClient: live('packetsToClient'),
    bytesToClient: live('bytesToClient'),
    overRateFromClient: allocation.overRateToPeer,
    overRateToClient: allocation.overRateToClient,
  };
}

function userOf({ credential }: Allocation): string {
  return credential?.username ?? '';
}
