// Owns what a configuration needs of a firewall: which ports, of which addresses, and why. It knows no firewall.

import { isIPv4 } from 'node:net';
import type { PortRange } from '../../config/address-values.ts';
import type { Config } from '../../config/config.ts';
import { formatHttpUrl, type HttpAddress } from '../../config/http-url.ts';
import { formatListenUrl, type ListenAddress } from '../../config/listen-url.ts';
import { sourcesOf } from './sources.ts';

/** Where packets go to, on this host: one address, every one of a family, or every one. */
export interface Destination {
  readonly family: 'any' | 'ipv4' | 'ipv6';
  /** An address of this host; null = every one of the family. */
  readonly address: string | null;
}

/** What is let in, and from where. */
export interface Flow extends Destination {
  /** Networks in CIDR form, none inside another, all of `family`, which is then one; null = anyone. Never empty. */
  readonly sources: readonly string[] | null;
}

/** Something that must be let in. */
export interface Opening extends Flow {
  readonly protocol: 'udp' | 'tcp';
  readonly ports: PortRange;
  /** Clients speak to listeners, or proxies for them; peers to relays; administrators to the API and the metrics. */
  readonly from: 'clients' | 'proxies' | 'peers' | 'administrators';
}

/** Openings of one protocol, destination and set of sources. */
export interface Rule extends Flow {
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

/** What the configuration does not say. */
export interface NeedsOptions {
  /** Networks that administrators come from; with none, what is for them is not opened. */
  readonly adminFrom: readonly string[];
}

interface Needed {
  readonly openings: readonly Opening[];
  readonly notes: readonly string[];
}

type Listening = Pick<Config, 'listen' | 'relay' | 'proxyProtocol' | 'control' | 'metrics'>;

const LOOPBACK = /^(?:127\.|::1$)/;
const NO_ADMINISTRATORS: NeedsOptions = Object.freeze({ adminFrom: [] });

/** What a configuration needs. What is on loopback needs nothing. */
export function needsOf(config: Listening, { adminFrom }: NeedsOptions = NO_ADMINISTRATORS): FirewallNeeds {
  const { listen, relay, proxyProtocol } = config;
  const served = listen.filter(({ host }) => !LOOPBACK.test(host));
  const clients = served
    .filter(({ port }) => port !== 0)
    .flatMap((one) => listenerOpenings(one, proxyProtocol.trusted));
  const peers = relayDestinations(relay.address).map(
    (to): Opening => ({ protocol: 'udp', ports: relay.ports, from: 'peers', sources: null, ...to }),
  );
  const changing = served.filter(({ port }) => port === 0).map((one) => changingPort(formatListenUrl(one)));
  const administration = [
    ...named('control.listen', config.control.listen),
    ...named('metrics.listen', config.metrics.listen),
  ]
    .filter(([, { host }]) => !LOOPBACK.test(host))
    .map(([key, address]) => administratorNeeds(key, address, adminFrom));
  return {
    openings: [...clients, ...administration.flatMap(({ openings }) => openings), ...peers],
    relayPorts: relay.ports,
    notes: [...changing, ...administration.flatMap(({ notes }) => notes)],
  };
}

/** The fewest rules that let the openings in, and nothing else. */
export function rulesOf(openings: readonly Opening[]): Rule[] {
  const groups = new Map<string, Opening[]>();
  for (const opening of openings) {
    const isCovered = openings.some((other) => covers(other, opening));
    const key = `${opening.protocol} ${opening.family} ${opening.address} ${opening.sources}`;
    if (!isCovered) groups.set(key, [...(groups.get(key) ?? []), opening]);
  }
  return [...groups.values()].map((group) => {
    const { protocol, family, address, sources } = group[0]!; // a group is made with its first member
    return { protocol, family, address, sources, ports: joinRanges(group.map(({ ports }) => ports)) };
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

function listenerOpenings(
  { transport, host, port, proxyProtocol }: ListenAddress,
  trusted: readonly string[],
): Opening[] {
  const protocol = transport === 'udp' ? 'udp' : 'tcp';
  const flow = { protocol, ports: { min: port, max: port }, ...destinationOf(host) } as const;
  if (proxyProtocol !== true) return [{ ...flow, from: 'clients', sources: null }];
  return limitedTo({ ...flow, from: 'proxies' }, trusted);
}

function administratorNeeds(key: string, address: HttpAddress, adminFrom: readonly string[]): Needed {
  const name = `${key}: ${formatHttpUrl(address)}`;
  if (address.port === 0) return { openings: [], notes: [changingPort(name)] };
  if (adminFrom.length === 0) {
    const note = `${name} is for administrators and is not opened: let in only the networks that need it (--admin-from)`;
    return { openings: [], notes: [note] };
  }
  const ports = { min: address.port, max: address.port };
  const flow = { protocol: 'tcp', ports, from: 'administrators', ...destinationOf(address.host) } as const;
  const openings = limitedTo(flow, adminFrom);
  const note = `${name} is not opened: no network of --admin-from can reach it`;
  return { openings, notes: openings.length === 0 ? [note] : [] };
}

/** One opening for each family that some of the networks are of. */
function limitedTo(flow: Omit<Opening, 'sources'>, networks: readonly string[]): Opening[] {
  const families = flow.family === 'any' ? (['ipv4', 'ipv6'] as const) : [flow.family];
  return families.flatMap((family) => {
    const sources = sourcesOf(networks, family);
    return sources === null || sources.length > 0 ? [{ ...flow, family, sources }] : [];
  });
}

function named(key: string, addresses: readonly HttpAddress[]): (readonly [string, HttpAddress])[] {
  return addresses.map((address) => [key, address] as const);
}

function changingPort(name: string): string {
  return `${name} has another port at each start, which no rule can follow: give it a port`;
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

/** Whether `other` lets in all that `opening` does, and more. What is limited to sources covers nothing. */
function covers(other: Opening, opening: Opening): boolean {
  if (other.protocol !== opening.protocol || other.sources !== null) return false;
  if (other.ports.min > opening.ports.min || other.ports.max < opening.ports.max) return false;
  if (other.family === 'any') return opening.family !== 'any';
  if (other.family !== opening.family) return false;
  if (other.address === null) return opening.address !== null || opening.sources !== null;
  return other.address === opening.address && opening.sources !== null;
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
