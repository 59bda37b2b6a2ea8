// Owns which networks a rule names as sources: those of one family, each once, and not this very host. Knows no firewall.

import { isIPv6 } from 'node:net';
import { Cidr, parseCidr } from '../../turn/peers/cidr.ts';

const LOOPBACK = ['127.0.0.0/8', '::1/128'].map(read);

/** Networks of one family, loopback left out, none inside another (nft refuses sets that overlap); null = all of it. */
export function sourcesOf(networks: readonly string[], family: 'ipv4' | 'ipv6'): readonly string[] | null {
  const known = [...new Set(networks)]
    .filter((text) => isIPv6(text.replace(/\/.*/, '')) === (family === 'ipv6'))
    .map((text) => ({ text, cidr: read(text) }))
    .filter(({ cidr }) => !LOOPBACK.some((own) => holds(own, cidr)));
  if (known.some(({ cidr }) => cidr.length === 0)) return null;
  return known
    .filter((one) => !known.some((other) => other !== one && holds(other.cidr, one.cidr)))
    .map(({ text }) => text);
}

function holds(outer: Cidr, inner: Cidr): boolean {
  return outer.length <= inner.length && outer.contains(inner.base);
}

/** @throws TypeError for what is no network: the schema and the command have judged them */
function read(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr instanceof Cidr) return cidr;
  throw new TypeError(cidr.error);
}
