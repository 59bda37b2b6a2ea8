// Ranges of peer addresses as operators and coturn's tables write them, as the fewest prefixes that cover them.
// Knows nothing of what a range means to the policy.

import { IpAddress, parseIp, unmapped } from '../stun/ip-address.ts';
import { Cidr, parseCidr } from '../turn/peers/cidr.ts';

const EVERYTHING: readonly Cidr[] = Object.freeze([
  new Cidr(new IpAddress(4, 0, 0, 0, 0), 0),
  new Cidr(new IpAddress(6, 0, 0, 0, 0), 0),
]);

/** Answers for one node of the tree of prefixes: in a whole, not at all, or in part. */
type Cover = 'all' | 'none' | 'part';

/**
 * Reads an address, `first-last` (both included, one family) or a CIDR prefix. A range that lies inside
 * ::ffff:0:0/96 is the IPv4 range that it maps, as for `parseCidr`.
 * @returns the fewest prefixes that hold exactly these addresses, in order, or one sentence for the operator
 */
export function parsePeerRange(text: string): readonly Cidr[] | { readonly error: string } {
  const dash = text.indexOf('-');
  if (dash < 0) {
    const cidr = parseCidr(text);
    return cidr instanceof Cidr ? [cidr] : cidr;
  }
  const ends = readEnds(text, dash);
  if ('error' in ends) return ends;
  const { first, last } = ends;
  return EVERYTHING.flatMap((root) => collect(root, (node) => coverOfInterval(node, first, last)));
}

/** The addresses of `deny` that are not in `allow`, as the fewest prefixes that hold exactly these, in order. */
export function subtractRanges(deny: readonly Cidr[], allow: readonly Cidr[]): readonly Cidr[] {
  return EVERYTHING.flatMap((root) => {
    return collect(root, (node) => {
      const taken = coverOfPrefixes(node, allow);
      if (taken === 'all') return 'none';
      const given = coverOfPrefixes(node, deny);
      return taken === 'part' && given === 'all' ? 'part' : given;
    });
  });
}

function readEnds(text: string, dash: number): { first: IpAddress; last: IpAddress } | { readonly error: string } {
  const start = text.slice(0, dash);
  const end = text.slice(dash + 1);
  const first = parseIp(start);
  const last = parseIp(end);
  if (first === null) return { error: `${JSON.stringify(start)} is not an IP address` };
  if (last === null) return { error: `${JSON.stringify(end)} is not an IP address` };
  if (first.family !== last.family) return { error: `"${text}" goes from one address family to the other` };
  if (compare(first, last) > 0) return { error: `"${text}" begins after its end` };
  return withoutMapping(first, last);
}

/** The whole of ::ffff:0:0/96 stays IPv6, as for `parseCidr`: it closes that form, not all of IPv4. */
function withoutMapping(first: IpAddress, last: IpAddress): { first: IpAddress; last: IpAddress } {
  const from = unmapped(first);
  const to = unmapped(last);
  const areMapped = from.family === 4 && to.family === 4 && first.family === 6;
  const isWhole = from.w3 === 0 && to.w3 === -1;
  return areMapped && !isWhole ? { first: from, last: to } : { first, last };
}

/** The maximal nodes that are covered; two covered halves are one node. */
function collect(node: Cidr, coverOf: (node: Cidr) => Cover): readonly Cidr[] {
  const cover = coverOf(node);
  if (cover === 'all') return [node];
  if (cover === 'none') return [];
  const [low, high] = halves(node);
  const left = collect(low, coverOf);
  const right = collect(high, coverOf);
  const isWhole = left[0]?.length === low.length && right[0]?.length === high.length;
  return isWhole ? [node] : [...left, ...right];
}

function coverOfInterval(node: Cidr, first: IpAddress, last: IpAddress): Cover {
  const end = lastOf(node);
  if (node.base.family !== first.family || compare(end, first) < 0 || compare(node.base, last) > 0) return 'none';
  return compare(node.base, first) >= 0 && compare(end, last) <= 0 ? 'all' : 'part';
}

/** `all` when one prefix holds the node; several that hold it together give `part`, and the halves say the rest. */
function coverOfPrefixes(node: Cidr, prefixes: readonly Cidr[]): Cover {
  let cover: Cover = 'none';
  for (const prefix of prefixes) {
    if (prefix.length <= node.length && prefix.contains(node.base)) return 'all';
    if (node.contains(prefix.base)) cover = 'part';
  }
  return cover;
}

function halves(node: Cidr): readonly [Cidr, Cidr] {
  const length = node.length + 1;
  const { family, w0, w1, w2, w3 } = node.base;
  // IPv4 lies in the last word.
  const bit = family === 4 ? node.length + 96 : node.length;
  const flag = (word: number): number => (bit >> 5 === word ? 1 << (31 - (bit & 31)) : 0);
  const upper = new IpAddress(family, w0 | flag(0), w1 | flag(1), w2 | flag(2), w3 | flag(3));
  return [new Cidr(node.base, length), new Cidr(upper, length)];
}

/** The last address of a range. */
export function lastOf({ base, length }: Cidr): IpAddress {
  const { family, w0, w1, w2, w3 } = base;
  if (family === 4) return new IpAddress(4, 0, 0, 0, w3 | hostBits(length));
  const bits = (word: number): number => hostBits(length - 32 * word);
  return new IpAddress(6, w0 | bits(0), w1 | bits(1), w2 | bits(2), w3 | bits(3));
}

/** The bits of a word behind its first `length` ones; a shift by 32 would be a shift by 0. */
function hostBits(length: number): number {
  if (length <= 0) return -1;
  return length >= 32 ? 0 : -1 >>> length;
}

function compare(a: IpAddress, b: IpAddress): number {
  return unsigned(a.w0, b.w0) || unsigned(a.w1, b.w1) || unsigned(a.w2, b.w2) || unsigned(a.w3, b.w3);
}

function unsigned(a: number, b: number): number {
  return (a >>> 0) - (b >>> 0);
}
