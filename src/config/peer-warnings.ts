// Warns of rules about peers that do not do what their writer expects: networks that no rule opens, rules that a stronger
// one voids, realms that nobody serves.

import { quoteText } from '../escape-text.ts';
import { type Cidr, parseCidr } from '../turn/peers/cidr.ts';
import type { DeniedRange } from '../turn/peers/deny-list.ts';
import { hardPartOf, holds } from '../turn/peers/hard-ranges.ts';
import type { Config } from './config.ts';

/** One sentence for each such rule. */
export function warnOfPeers({ peers, realm, store }: Pick<Config, 'peers' | 'realm' | 'store'>): string[] {
  const isLab = peers.unsafeAllowLoopback;
  const common = warnOfAllow('peers.allow', peers.allow, peers.deny, isLab);
  const single = peers.realms.flatMap((one, index) => {
    const key = `peers.realms.${index}`;
    const isServed = one.realm === realm || store !== null;
    const unserved = `${key}: has no effect: the realm ${quoteText(one.realm)} is not served (realms come from a store)`;
    const warnings = warnOfAllow(`${key}.allow`, one.allow, [...peers.deny, ...one.deny], isLab);
    return isServed ? warnings : [unserved, ...warnings];
  });
  return [...common, ...single];
}

function warnOfAllow(key: string, allow: readonly string[], deny: readonly string[], isLab: boolean): string[] {
  return allow.flatMap((text) => {
    const stronger = deny.find((one) => holds(network(one), network(text)));
    if (stronger !== undefined) return `${key}: ${text} has no effect: ${stronger} is denied, and that comes first`;
    return warnOfHard(key, text, isLab) ?? [];
  });
}

function warnOfHard(key: string, text: string, isLab: boolean): string | null {
  const { isWhole, ranges } = hardPartOf(network(text));
  const closed = ranges.filter(({ name }) => !(isLab && name === 'loopback'));
  if (closed.length === 0) return null;
  const names = closed.map(({ cidr, name }) => `${cidr} (${name})`).join(', ');
  if (!isWhole) return `${key}: ${text} does not open ${names}: that stays closed, whatever is allowed`;
  return `${key}: ${text} has no effect: ${names} stays closed, whatever is allowed${remedyFor(closed)}`;
}

function remedyFor(ranges: readonly DeniedRange[]): string {
  if (!ranges.some(({ name }) => name === 'loopback')) return '';
  return '; a lab opens its own host with peers.unsafe-allow-loopback, others let services listen on another address';
}

function network(text: string): Cidr {
  const cidr = parseCidr(text);
  if ('error' in cidr) throw new TypeError(`the schema let ${text} pass as a network`);
  return cidr;
}
