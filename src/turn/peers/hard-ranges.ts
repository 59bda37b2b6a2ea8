// Which part of a network no allow rule opens: for whoever wrote one, and would wait for its effect in vain.

import { Cidr, parseCidr } from './cidr.ts';
import { DEFAULT_DENY_LIST, type DeniedRange } from './deny-list.ts';

/** What of a network stays closed. */
export interface HardPart {
  /** Whether it is the whole network. */
  readonly isWhole: boolean;
  /** The ranges that close it. */
  readonly ranges: readonly DeniedRange[];
}

/** The ranges of class H that hold a network, or lie in it. */
export function hardPartOf(network: Cidr): HardPart {
  const hard = DEFAULT_DENY_LIST.flatMap((range) => (range.cls === 'H' ? { range, cidr: constant(range.cidr) } : []));
  const around = hard.filter(({ cidr }) => holds(cidr, network));
  const inside = hard.filter(({ cidr }) => holds(network, cidr));
  const [first] = around;
  if (first !== undefined) return { isWhole: true, ranges: [first.range] };
  return { isWhole: false, ranges: inside.map(({ range }) => range) };
}

/** Whether every address of the inner network lies in the outer one. */
export function holds(outer: Cidr, inner: Cidr): boolean {
  return outer.length <= inner.length && outer.contains(inner.base);
}

function constant(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr instanceof Cidr) return cidr;
  throw new TypeError(cidr.error);
}
