// Whom clients may reach. In coturn what is allowed wins over what is denied; in turnd it is the reverse.

import { lastOf, parsePeerRange, subtractRanges } from '../net/peer-range.ts';
import { Cidr, parseCidr } from '../turn/peers/cidr.ts';
import { DEFAULT_DENY_LIST } from '../turn/peers/deny-list.ts';
import type { Entry } from './coturn-file.ts';
import type { Draft } from './draft.ts';

interface Range {
  readonly cidrs: readonly Cidr[];
  readonly source: Entry;
}

/** Sets what stands below `peers`. */
export function resolvePeers(draft: Draft): void {
  const allowed = readRanges(draft, 'allowed-peer-ip');
  const denied = readRanges(draft, 'denied-peer-ip');
  const allow = allowed.flatMap(({ cidrs }) => cidrs);
  const deny = subtractRanges(
    denied.flatMap(({ cidrs }) => cidrs),
    allow,
  );
  setAllowed(draft, allowed);
  setDenied(draft, deny, denied, allowed.length > 0);
  const loopback = draft.switch('allow-loopback-peers');
  const source = draft.last('allow-loopback-peers');
  if (loopback !== null)
    draft.set('peers.unsafe-allow-loopback', loopback, 'allow-loopback-peers. For labs only.', [source]);
  if (loopback === true && source !== null)
    draft.warn(source, 'clients may reach services of this very host: for labs only');
  warnOfPrivateNetworks(draft, allow, deny);
}

function setAllowed(draft: Draft, allowed: readonly Range[]): void {
  if (allowed.length === 0) return;
  const flat = flatten(allowed);
  draft.set(
    'peers.allow',
    flat.map(({ cidr }) => String(cidr)),
    'allowed-peer-ip',
    flat.map(({ source }) => source),
  );
  for (const { cidrs, source } of allowed) {
    if (cidrs.some((cidr) => overlaps(cidr, HARD))) {
      draft.warn(source, 'loopback, link-local, multicast and reserved addresses in it stay closed in turnd');
    }
  }
}

function setDenied(draft: Draft, deny: readonly Cidr[], denied: readonly Range[], isCut: boolean): void {
  if (deny.length === 0) return;
  const sources = deny.map((cidr) => denied.find(({ cidrs }) => overlaps(cidr, cidrs))?.source ?? null);
  const comment = isCut ? 'denied-peer-ip, less allowed-peer-ip, which wins in coturn.' : 'denied-peer-ip';
  draft.set('peers.deny', deny.map(String), comment, sources);
}

function flatten(ranges: readonly Range[]): { readonly cidr: Cidr; readonly source: Entry }[] {
  return ranges.flatMap(({ cidrs, source }) => cidrs.map((cidr) => ({ cidr, source })));
}

function readRanges(draft: Draft, name: string): readonly Range[] {
  return draft.texts(name).flatMap((source) => {
    const cidrs = parsePeerRange(source.value);
    if ('error' in cidrs) draft.fault(source, cidrs.error);
    else if (source.value.includes('/'))
      draft.fault(source, `coturn has no CIDR here: write ${rangeText(source.value)}`);
    else return [{ cidrs, source }];
    return [];
  });
}

/** `10.0.0.0/8` as `10.0.0.0-10.255.255.255`. */
function rangeText(text: string): string {
  const cidr = parseCidr(text);
  if (!(cidr instanceof Cidr)) return 'FIRST-LAST';
  return `${cidr.base}-${lastOf(cidr)}`;
}

function overlaps(cidr: Cidr, others: readonly Cidr[]): boolean {
  return others.some((other) => other.contains(cidr.base) || cidr.contains(other.base));
}

/** coturn lets clients reach private networks; that turnd does not is the one thing that surprises who moves. */
function warnOfPrivateNetworks(draft: Draft, allow: readonly Cidr[], deny: readonly Cidr[]): void {
  const closed = subtractRanges(PRIVATE, [...allow, ...deny]);
  if (closed.length === 0) return;
  draft.warn(
    'allowed-peer-ip',
    `turnd does not let clients reach private networks, coturn does: add those that they need to peers.allow (or ` +
      `allowed-peer-ip), of ${PRIVATE.join(', ')}`,
  );
}

function constantCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr instanceof Cidr) return cidr;
  throw new TypeError(cidr.error);
}

const PRIVATE: readonly Cidr[] = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map(constantCidr);
const HARD: readonly Cidr[] = DEFAULT_DENY_LIST.filter(({ cls }) => cls === 'H').map(({ cidr }) => constantCidr(cidr));
