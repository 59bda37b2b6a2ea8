// Whom a TCP client is counted by: one IPv4 address, or one IPv6 /64. And its address without the IPv6 around IPv4.

import { clientNetwork } from '../stun/client-network.ts';
import { parseIp } from '../stun/ip-address.ts';

/** An address as sockets spell it, IPv4 as IPv4; empty where the socket has closed. */
export function addressOf(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
}

/** A key for the network of an address as sockets spell it. */
export function sourceOf(address: string | undefined): string {
  const ip = parseIp(addressOf(address));
  return ip === null ? '' : clientNetwork(ip);
}
