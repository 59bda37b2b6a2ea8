// What a store says of realms, in the terms of those who serve them. Rules about peers mean what they mean to coturn:
// what is allowed, in the realm or in all, is not denied.

import type { RealmPeers, RealmTableData } from '../auth/realm-table.ts';
import { parsePeerRange, subtractRanges } from '../net/peer-range.ts';
import type { StoredPeerRule, StoreSnapshot } from '../store/store.ts';
import type { Cidr } from '../turn/peers/cidr.ts';
import { hardPartOf } from '../turn/peers/hard-ranges.ts';

/** The realms of a snapshot, and the rules in it that cannot be read. */
export interface ReadRealms {
  readonly data: RealmTableData;
  /** One sentence each. */
  readonly problems: readonly string[];
}

/** Reads the realms of a store. */
export function readRealms({ secrets, peerRules, realms, origins }: StoreSnapshot): ReadRealms {
  const { rules, problems } = readRules(peerRules);
  const names = new Set(['', ...rules.map(({ realm }) => realm)]);
  const peers = rules.length === 0 ? [] : [...names].map((realm) => peersOf(realm, rules));
  const named = new Set([...realms, ...secrets, ...peerRules, ...origins].map(({ realm }) => realm));
  named.delete('');
  const rates = realms.flatMap(({ realm, maxBps }) => (maxBps === null ? [] : [{ realm, bytesPerSecond: maxBps }]));
  return { data: { realms: [...named], origins, peers, rates }, problems };
}

interface ReadRule {
  readonly realm: string;
  readonly kind: 'allow' | 'deny';
  readonly ranges: readonly Cidr[];
}

function readRules(stored: readonly StoredPeerRule[]): { rules: readonly ReadRule[]; problems: readonly string[] } {
  const rules: ReadRule[] = [];
  const problems: string[] = [];
  for (const { realm, kind, range } of stored) {
    const ranges = parsePeerRange(range);
    const problem = 'error' in ranges ? ranges.error : kind === 'allow' ? hardness(ranges) : null;
    if (problem !== null)
      problems.push(`the rule to ${kind} peers ${range} of realm ${JSON.stringify(realm)} has no effect: ${problem}`);
    if (!('error' in ranges)) rules.push({ realm, kind, ranges });
  }
  return { rules, problems };
}

// An allow rule for what stays closed is kept all the same: it takes away what the store denies there.
function hardness(ranges: readonly Cidr[]): string | null {
  const parts = ranges.map(hardPartOf);
  if (!parts.every(({ isWhole }) => isWhole)) return null;
  const names = new Set(parts.flatMap((part) => part.ranges.map(({ cidr, name }) => `${cidr} (${name})`)));
  return `${[...names].join(', ')} stays closed, whatever is allowed`;
}

function peersOf(realm: string, rules: readonly ReadRule[]): RealmPeers {
  const own = rules.filter((rule) => rule.realm === '' || rule.realm === realm);
  const allow = own.filter(({ kind }) => kind === 'allow').flatMap(({ ranges }) => ranges);
  const deny = own.filter(({ kind }) => kind === 'deny').flatMap(({ ranges }) => ranges);
  return { realm, allow: allow.map(String), deny: subtractRanges(deny, allow).map(String) };
}
