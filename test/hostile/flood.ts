// Floods from outside, and the counting of what they are answered. The answers to forged sources are counted by the
// firewall outside and dropped there.

import { Child } from '../support/child-process.ts';
import type { Namespace } from '../support/namespace.ts';
import type { JunkKind } from './junk.ts';

/** What a flood does. */
export interface FloodWish {
  readonly kind: JunkKind;
  /** IPv4 address. */
  readonly target: string;
  /** Ports that take turns. */
  readonly ports: readonly number[];
  /** Datagrams. */
  readonly count: number;
  /** Datagrams per second; 0 for as many as go. */
  readonly rate: number;
  /** How many source addresses; each datagram has a port of its own. */
  readonly sources: number;
  /** The first of them as a number. */
  readonly firstSource: number;
}

/** The sources of floods: 30.0.0.0/8. */
export const FLOOD_SOURCE = 0x1e000000;
export const MANY_SOURCES = 0x1000000;

/** What a flood did. */
export interface Flooded {
  readonly sent: number;
  readonly seconds: number;
}

/** Starts a flood; resolves when all has been sent. */
export async function flood(wish: FloodWish): Promise<Flooded> {
  const child = new Child(process.execPath, [
    new URL('flood-child.js', import.meta.url).pathname,
    JSON.stringify(wish),
  ]);
  const code = await child.ended;
  if (code !== 0) throw new Error(child.lines.join('\n'));
  return JSON.parse(child.lines.at(-1) ?? '{}');
}

/** Packets, and their UDP payload in bytes. */
export interface Counted {
  readonly packets: number;
  readonly bytes: number;
}

const IPV4_AND_UDP = 28;

/** Counts what comes back to the sources of floods. */
export class AnswerCounter {
  readonly #outside: Namespace;

  constructor(outside: Namespace) {
    this.#outside = outside;
    for (const command of [
      'add table ip floods',
      'add counter ip floods answers',
      'add chain ip floods in { type filter hook prerouting priority -300 ; }',
      'add rule ip floods in ip daddr 30.0.0.0/8 counter name answers drop',
    ]) {
      outside.exec('nft', command);
    }
  }

  /** What came since the last call. */
  take(): Counted {
    const text = this.#outside.exec('nft', 'reset', 'counter', 'ip', 'floods', 'answers');
    const [, packets = 0, bytes = 0] = /packets (\d+) bytes (\d+)/.exec(text) ?? [];
    return { packets: Number(packets), bytes: Number(bytes) - Number(packets) * IPV4_AND_UDP };
  }
}

/** Datagrams that the sockets of a namespace had no room for, since they were opened. */
export function kernelDrops(namespace: Namespace): number {
  const lines = namespace.exec('cat', '/proc/net/udp', '/proc/net/udp6').split('\n');
  const drops = lines.map((line) => Number(line.trim().split(/\s+/)[12]));
  return drops.filter(Number.isFinite).reduce((sum, one) => sum + one, 0);
}
