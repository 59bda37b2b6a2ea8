// Owns what a configuration needs of a firewall: which ports, of which addresses, and why. It knows no firewall.

import { isIPv4 } from 'node:net';
import type { PortRange } from '../../config/address-values.ts';
import type { Config } from '../../config/config.ts';
import { formatListenUrl, type ListenAddress } from '../../config/listen-url.ts';

/** Where packets go to, on this host: one address, every one of a family, or every one. */
export interface Destination {
  readonly family: 'any' | 'ipv4' | 'ipv6';
  /** An address of this host; null = every one of the family. */
  readonly address: string | null;
}

/** Something that must be let in. */
export interface Opening extends Destination {
  readonly protocol: 'udp' | 'tcp';
  readonly ports: PortRange;
  /** Clients speak to listeners, peers to relays. */
  readonly from: 'clients' | 'peers';
}

/** Openings of one protocol and destination. */
export interface Rule extends Destination {
  readonly protocol: 'udp' | 'tcp';
  /** Ascending, none touches the next. */
  readonly ports: readonly PortRange[];
}

/** All that is needed. */
export interface FirewallNeeds {
  readonly openings: readonly Opening[];
  /** The relays speak first to peers: UDP from these ports must be let out, to anywhere. */
  readonly relayPorts: PortRange;
  /** One sentence for each thing that no rule can say. */
  readonly notes: readonly string[];
}

type Listening = Pick<Config, 'listen' | 'relay'>;

const LOOPBACK = /^(?:127\.|::1$)/;

/** What a configuration needs. Listeners on loopback need nothing. */
export function needsOf({ listen, relay }: Listening): FirewallNeeds {
  const served = listen.filter(({ host }) => !LOOPBACK.test(host));
  const clients = served.filter(({ port }) => port !== 0).map(openingFor);
  const peers = relayDestinations(relay.address).map(
    (to): Opening => ({ protocol: 'udp', ports: relay.ports, from: 'peers', ...to }),
  );
  const notes = served
    .filter(({ port }) => port === 0)
    .map((one) => `${formatListenUrl(one)} has another port at each start, which no rule can follow: give it a port`);
  return { openings: [...clients, ...peers], relayPorts: relay.ports, notes };
}

/** The fewest rules that let the openings in, and nothing else. */
export function rulesOf(openings: readonly Opening[]): Rule[] {
  const groups = new Map<string, Opening[]>();
  for (const opening of openings) {
    const isCovered = openings.some((other) => covers(other, opening));
    const key = `${opening.protocol} ${opening.family} ${opening.address}`;
    if (!isCovered) groups.set(key, [...(groups.get(key) ?? []), opening]);
  }
  return [...groups.values()].map((group) => {
    const { protocol, family, address } = group[0]!; // a group is made with its first member
    return { protocol, family, address, ports: joinRanges(group.map(({ ports }) => ports)) };
  });
}

/** The rules for a firewall in front of the host, which knows none of its addresses. */
export function outerRulesOf(openings: readonly Opening[]): Rule[] {
  return rulesOf(openings.map((opening) => ({ ...opening, address: null })));
}

/** `3478`, or both ends of a range with `separator` between them. */
export function portText({ min, max }: PortRange, separator = '-'): string {
  return min === max ? String(min) : `${min}${separator}${max}`;
}

function openingFor({ transport, host, port }: ListenAddress): Opening {
  const protocol = transport === 'udp' ? 'udp' : 'tcp';
  return { protocol, ports: { min: port, max: port }, from: 'clients', ...destinationOf(host) };
}

function destinationOf(host: string): Destination {
  if (host === '*') return { family: 'any', address: null };
  const family = isIPv4(host) ? 'ipv4' : 'ipv6';
  const isEvery = /^[0.:]+$/.test(host);
  return { family, address: isEvery ? null : host };
}

function relayDestinations(address: Config['relay']['address']): Destination[] {
  if (address.kind === 'auto') return [{ family: 'any', address: null }];
  return [address.ipv4, address.ipv6]
    .filter((ip) => ip !== null)
    .filter((ip) => !LOOPBACK.test(ip))
    .map(destinationOf);
}

function covers(other: Opening, opening: Opening): boolean {
  if (other.protocol !== opening.protocol) return false;
  if (other.ports.min > opening.ports.min || other.ports.max < opening.ports.max) return false;
  if (other.family === 'any') return opening.family !== 'any';
  return other.family === opening.family && other.address === null && opening.address !== null;
}

function joinRanges(ranges: readonly PortRange[]): PortRange[] {
  const joined: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.min - b.min)) {
    const last = joined.at(-1);
    if (last === undefined || range.min > last.max + 1) joined.push(range);
    else joined[joined.length - 1] = { min: last.min, max: Math.max(last.max, range.max) };
  }
  return joined;
}
