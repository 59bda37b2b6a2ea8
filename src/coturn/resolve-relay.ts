// The relay: the addresses it is bound to, the addresses that peers see, its ports and workers.

import { type IpAddress, parseIp } from '../stun/ip-address.ts';
import type { Entry } from './coturn-file.ts';
import type { Draft } from './draft.ts';
import { listeningIps } from './resolve-listen.ts';

/** As many as coturn has. */
const MAX_WORKERS = 128;
const ANY_NUMBER = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };

interface Address {
  readonly ip: IpAddress;
  readonly source: Entry;
}

/** Sets what stands below `relay`, and `workers`. */
export function resolveRelay(draft: Draft): void {
  const relays = resolveAddress(draft);
  resolveExternal(draft, relays);
  resolvePorts(draft);
  resolveWorkers(draft);
}

function resolveAddress(draft: Draft): readonly Address[] {
  const given = draft.texts('relay-ip').flatMap((source) => {
    const ip = parseIp(source.value);
    if (ip === null) draft.fault(source, 'must be an IP address; names are not looked up');
    return ip === null ? [] : [{ ip, source }];
  });
  const relays = given.length > 0 ? onePerFamily(draft, given) : relaysOfListeners(draft);
  if (relays.length === 0) return [];
  const texts = relays.map(({ ip }) => ip.text);
  const comment = given.length > 0 ? 'relay-ip' : 'coturn without relay-ip relays from listening-ip.';
  draft.set(
    'relay.address',
    texts.length === 1 ? texts[0] : texts,
    comment,
    relays.map(({ source }) => source),
  );
  return relays;
}

function onePerFamily(draft: Draft, addresses: readonly Address[]): readonly Address[] {
  return addresses.filter(({ ip, source }, index) => {
    const first = addresses.findIndex((other) => other.ip.family === ip.family);
    if (first < index) draft.warn(source, `turnd relays from one address per family: ${addresses[first]?.ip} is taken`);
    return first === index;
  });
}

/** Wildcards name no address; loopback serves only where there is no other. */
function relaysOfListeners(draft: Draft): readonly Address[] {
  const concrete = listeningIps(draft)
    .map((source) => ({ ip: parseIp(source.value) as IpAddress, source }))
    .filter(({ ip }) => ip.text !== '0.0.0.0' && ip.text !== '::');
  const families = [4, 6] as const;
  return families.flatMap((family) => {
    const own = concrete.filter(({ ip }) => ip.family === family);
    const chosen = own.find(({ ip }) => !isLoopback(ip)) ?? own[0];
    return chosen === undefined ? [] : [chosen];
  });
}

function isLoopback(ip: IpAddress): boolean {
  return ip.family === 4 ? ip.w3 >>> 24 === 127 : ip.text === '::1';
}

function resolveExternal(draft: Draft, relays: readonly Address[]): void {
  const entries = draft.texts('external-ip');
  const pairs = entries.filter(({ value }) => value.includes('/'));
  const plain = entries.filter(({ value }) => !value.includes('/'));
  for (const entry of plain.slice(1)) draft.fault(entry, 'is there twice; write PUBLIC/PRIVATE for each address');
  if (entries.length === 0) {
    const comment = 'coturn without external-ip shows the address of the relay; auto would find the public one.';
    draft.set('relay.external-address', 'none', comment);
  } else if (pairs.length === 0) {
    draft.set('relay.external-address', plain[0]?.value, 'external-ip', plain.slice(0, 1));
  } else setPairs(draft, pairs, plain[0], relays);
}

function setPairs(draft: Draft, entries: readonly Entry[], plain: Entry | undefined, relays: readonly Address[]): void {
  const pairs = entries.map((source) => {
    const [shown = '', own = ''] = split(source.value);
    for (const text of [shown, own])
      if (parseIp(text) === null) draft.fault(source, 'must be PUBLIC/PRIVATE, two IP addresses');
    return { pair: { private: own, public: shown }, source };
  });
  if (plain !== undefined) {
    const family = parseIp(plain.value)?.family;
    const relay = relays.find(({ ip }) => ip.family === family);
    if (relay === undefined) draft.fault(plain, 'stands beside PUBLIC/PRIVATE: write it in that form too');
    else if (!pairs.some(({ pair }) => pair.private === relay.ip.text))
      pairs.push({ pair: { private: relay.ip.text, public: plain.value }, source: plain });
  }
  const comment = 'Each address of the relay, and what clients and peers see in its place.';
  draft.set(
    'relay.external-address',
    pairs.map(({ pair }) => pair),
    comment,
    pairs.map(({ source }) => source),
  );
}

function split(text: string): readonly string[] {
  const slash = text.indexOf('/');
  return [text.slice(0, slash), text.slice(slash + 1)];
}

function resolvePorts(draft: Draft): void {
  const min = draft.port('min-port');
  const max = draft.port('max-port');
  const sources = [draft.last('max-port'), draft.last('min-port')];
  if (min === null && max === null) return;
  draft.set(
    'relay.ports',
    `${min ?? 49_152}-${max ?? 65_535}`,
    'min-port and max-port; the firewall must let UDP in.',
    sources,
  );
}

function resolveWorkers(draft: Draft): void {
  const name = draft.last('relay-threads') === null ? 'cpus' : 'relay-threads';
  const wanted = draft.number(name, name === 'cpus' ? { min: 1, max: Number.MAX_SAFE_INTEGER } : ANY_NUMBER);
  const source = draft.last(name);
  if (wanted === null || source === null) return;
  if (wanted > MAX_WORKERS) draft.warn(source, `coturn has at most ${MAX_WORKERS}: so many are taken`);
  const workers = Math.min(Math.max(wanted, 0), MAX_WORKERS);
  draft.set('workers', workers, `${name}; processes in place of threads, on the linux plane.`, [source]);
}
