// Whom an address belongs to, for counting: one IPv4 address, or one IPv6 /64, of which whoever has one address has all.

import type { AddressWords, IpAddress } from './ip-address.ts';

/** A key for the network that a client is counted by; an IPv4-mapped address is its IPv4 address. */
export function clientNetwork(ip: AddressWords | IpAddress): string {
  const isIpv4 = ip.family === 4 || (ip.w0 === 0 && ip.w1 === 0 && ip.w2 === 0xffff);
  return isIpv4 ? `${ip.w3}` : `${ip.w0}:${ip.w1}`;
}
