// struct sockaddr_in and sockaddr_in6, written and read in an arena. Knows no sockets.

import type { IpAddress, IpFamily } from '../../stun/ip-address.ts';
import type { TransportWords } from '../../stun/transport-address.ts';
import { AF_INET, AF_INET6, SOCKADDR_IN_SIZE, SOCKADDR_IN6_SIZE } from './abi.ts';
import type { Arena } from './arena.ts';

const MAPPED_PREFIX = 0xffff;

/** Bytes of the structure of a family. */
export function sockaddrSize(family: IpFamily): number {
  return family === 6 ? SOCKADDR_IN6_SIZE : SOCKADDR_IN_SIZE;
}

/** Writes the structure at `at` (a multiple of 4) and returns its size. */
export function writeSockaddr(arena: Arena, at: number, ip: IpAddress, port: number): number {
  const { u16, i32 } = arena;
  const word = at >>> 2;
  u16[at >>> 1] = ip.family === 6 ? AF_INET6 : AF_INET;
  u16[(at >>> 1) + 1] = swap16(port);
  if (ip.family === 4) {
    i32[word + 1] = swap32(ip.w3);
    i32[word + 2] = 0;
    i32[word + 3] = 0;
    return SOCKADDR_IN_SIZE;
  }
  i32[word + 1] = 0;
  i32[word + 2] = swap32(ip.w0);
  i32[word + 3] = swap32(ip.w1);
  i32[word + 4] = swap32(ip.w2);
  i32[word + 5] = swap32(ip.w3);
  i32[word + 6] = 0;
  return SOCKADDR_IN6_SIZE;
}

/** Reads the structure at `at`. An IPv4-mapped address becomes IPv4; `family` is 0 for any other kind of address. */
export function readSockaddr(arena: Arena, at: number, into: TransportWords): void {
  const { u16, i32 } = arena;
  const word = at >>> 2;
  const family = u16[at >>> 1];
  into.port = swap16(u16[(at >>> 1) + 1] as number);
  if (family === AF_INET) {
    into.family = 4;
    into.w0 = 0;
    into.w1 = 0;
    into.w2 = 0;
    into.w3 = swap32(i32[word + 1] as number);
    return;
  }
  into.family = family === AF_INET6 ? 6 : 0;
  into.w0 = swap32(i32[word + 2] as number);
  into.w1 = swap32(i32[word + 3] as number);
  into.w2 = swap32(i32[word + 4] as number);
  into.w3 = swap32(i32[word + 5] as number);
  if (into.family === 6 && into.w0 === 0 && into.w1 === 0 && into.w2 === MAPPED_PREFIX) {
    into.family = 4;
    into.w2 = 0;
  }
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

function swap32(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}
