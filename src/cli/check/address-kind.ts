// Says what kind of address one is, by the list of ranges that no peer outside can reach.

import { type IpAddress, unmapped } from '../../stun/ip-address.ts';
import { PrefixTable, parseCidr } from '../../turn/peers/cidr.ts';
import { DEFAULT_DENY_LIST } from '../../turn/peers/deny-list.ts';

// Of the list, what is routed all the same.
const ROUTED: readonly string[] = ['as112', 'amt', '6to4-anycast', '6to4', 'teredo', 'nat64', 'azure-wireserver'];

const KINDS: PrefixTable<string> = new PrefixTable(
  DEFAULT_DENY_LIST.filter(({ name }) => !ROUTED.includes(name)).flatMap(({ cidr, name }) => {
    const range = parseCidr(cidr);
    return 'error' in range ? [] : [{ cidr: range, value: name }];
  }),
);

/** `private`, `loopback` and so on, or null for an address of the Internet. */
export function specialKind(ip: IpAddress): string | null {
  return KINDS.find(unmapped(ip));
}

/** Why nobody outside can reach a relay although its server has been reached at an address of the Internet; else null. */
export function unroutableKind(relayed: IpAddress, server: IpAddress): string | null {
  return specialKind(server) === null ? specialKind(relayed) : null;
}
