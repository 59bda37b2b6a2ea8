// Addresses as the kernel writes them, word by word: what destinations are made of and sources are found by.

import type { IpAddress } from '../../stun/ip-address.ts';
import { AF_INET, AF_INET6 } from './abi.ts';

/** The first word of a sockaddr: family and port. */
export function sockaddrHead(family: number, port: number): number {
  return (family === 6 ? AF_INET6 : AF_INET) | ((((port & 0xff) << 8) | (port >>> 8)) << 16);
}

/** A word in network order, or back. */
export function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** A destination that is filled anew for each datagram. */
export class PeerDestination {
  head = 0;
  a0 = 0;
  a1 = 0;
  a2 = 0;
  a3 = 0;

  set(ip: IpAddress, port: number): void {
    this.head = sockaddrHead(ip.family, port);
    if (ip.family === 4) {
      this.a0 = swapped(ip.w3);
      return;
    }
    this.a0 = swapped(ip.w0);
    this.a1 = swapped(ip.w1);
    this.a2 = swapped(ip.w2);
    this.a3 = swapped(ip.w3);
  }
}
