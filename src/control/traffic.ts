// What became of everything that was received, summed up from the counters of a server: each datagram and frame was
// answered, relayed or dropped for a reason that has a name (R30). Knows the counters by name, and nothing of where they
// are shown.

import { DropReason } from '../turn/drop-reason.ts';
import type { CounterTree } from '../workers/counter-tree.ts';

/** What became of what one side sent. */
export interface SideTraffic {
  /** Datagrams, and over streams messages and ChannelData. */
  readonly received: number;
  /** Requests that had a response; 0 for peers. */
  readonly answered: number;
  /** Binding indications, which want nothing; 0 for peers. */
  readonly keepAlives: number;
  /** Handed to the system for the other side, or over to another client of this process. */
  readonly relayed: number;
  /** By reason; those that never happened are left out. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Both directions. */
export interface Traffic {
  readonly fromClients: SideTraffic;
  readonly fromPeers: SideTraffic;
}

/** Reasons that concern what peers sent. */
const OF_PEERS: readonly string[] = ['no-permission-from-peer', 'over-rate-to-client', 'too-big'];
/** Reasons that concern ICMP errors, which are no data. */
const OF_ERRORS: readonly string[] = ['icmp-type', 'icmp-no-permission'];

/** Sums up. What a server does not count (it has no such plane, or no streams) is 0. */
export function trafficOf(counters: CounterTree): Traffic {
  const engine = branch(counters, 'engine');
  const [clients, peers] = ['clients', 'peers'].map((side) => branch(branch(counters, 'plane'), side)) as [
    CounterTree,
    CounterTree,
  ];
  const streams = branch(counters, 'streams');
  const reasons = reasonsOf(engine);
  const toPeers = notSent(peers);
  const toClients = { ...notSent(clients), ...named({ 'client-too-slow': number(streams, 'droppedMessages') }) };
  const crossed = number(engine, 'packetsCrossed');
  return {
    fromClients: {
      received: number(clients, 'packetsIn') + number(streams, 'framesIn'),
      answered: number(engine, 'responses'),
      keepAlives: number(engine, 'keepAlives'),
      relayed: number(engine, 'packetsToPeer') - sum(toPeers),
      dropped: {
        ...pick(reasons, (name) => !OF_PEERS.includes(name) && !OF_ERRORS.includes(name)),
        ...named({ unusable: number(clients, 'droppedUnusable') }),
        ...toPeers,
      },
    },
    fromPeers: {
      received: number(peers, 'packetsIn') + crossed,
      answered: 0,
      keepAlives: 0,
      relayed: number(engine, 'packetsToClient') - sum(toClients),
      dropped: {
        ...pick(reasons, (name) => OF_PEERS.includes(name)),
        ...named({ unusable: number(peers, 'droppedUnusable') }),
        ...toClients,
      },
    },
  };
}

// What the engine gave to a plane and the plane or the system did not take.
function notSent(side: CounterTree): Record<string, number> {
  const errors = Object.entries(branch(side, 'sendErrors')).map(([name, count]) => [`send-${name}`, count as number]);
  return named({
    'datagram-too-big': number(side, 'droppedTooBig'),
    'queue-full': number(side, 'droppedQueueFull'),
    ...(Object.fromEntries(errors) as Record<string, number>),
  });
}

function reasonsOf(engine: CounterTree): Record<string, number> {
  const { dropped = [] } = engine;
  const counts = dropped as readonly number[];
  const entries = Object.entries(DropReason).map(([name, reason]) => [kebab(name), counts[reason] ?? 0] as const);
  return named(Object.fromEntries(entries));
}

function named(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

function pick(counts: Readonly<Record<string, number>>, wanted: (name: string) => boolean): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([name]) => wanted(name)));
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function number(tree: CounterTree, name: string): number {
  const value = tree[name];
  return typeof value === 'number' ? value : 0;
}

function branch(tree: CounterTree, name: string): CounterTree {
  const value = tree[name];
  return typeof value === 'object' && !Array.isArray(value) ? (value as CounterTree) : {};
}

function kebab(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}
