// Whom a TCP client is counted by: one IPv4 address, or one IPv6 /64.

import { clientNetwork } from '../stun/client-network.ts';
import { parseIp } from '../stun/ip-address.ts';

/** A key for the network of an address as sockets spell it. */
export function sourceOf(address: string | undefined): string {
  const ip = parseIp((address ?? '').replace(/^::ffff:(?=\d+\.)/i, ''));
  return ip === null ? '' : clientNetwork(ip);
}
