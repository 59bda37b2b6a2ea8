// UDP sockets by system calls: how they are made, bound and tuned. What flows through them is others' business.

import type { IpAddress, IpFamily } from '../../stun/ip-address.ts';
import { type TransportAddress, TransportWords } from '../../stun/transport-address.ts';
import {
  AF_INET,
  AF_INET6,
  IP_MTU_DISCOVER,
  IP_PMTUDISC_DO,
  IP_PMTUDISC_DONT,
  IP_PMTUDISC_OMIT,
  IP_RECVERR,
  IP_RECVTOS,
  IPV6_MTU_DISCOVER,
  IPV6_RECVERR,
  IPV6_RECVTCLASS,
  IPV6_V6ONLY,
  MEMINFO_DROPS,
  MEMINFO_SIZE,
  SO_MEMINFO,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCKADDR_ROOM,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_UDP,
  UDP_GRO,
} from './abi.ts';
import type { Arena } from './arena.ts';
import type { Libc } from './libc.ts';
import { readSockaddr, writeSockaddr } from './sockaddr.ts';
import { checked } from './system-error.ts';

/** Bytes of an arena that this takes. */
export const SOCKETS_SIZE = 256;

/** Makes and tunes sockets. */
export class Sockets {
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #nameAt: number;
  readonly #name: Uint8Array;
  readonly #valueAt: number;
  readonly #value: Uint8Array;
  readonly #memoryAt: number;
  readonly #memory: Uint8Array;
  #mayForce = true;

  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc;
    this.#arena = arena;
    this.#nameAt = arena.reserve(SOCKADDR_ROOM);
    this.#name = arena.slice(this.#nameAt, SOCKADDR_ROOM);
    this.#valueAt = arena.reserve(4);
    this.#value = arena.slice(this.#valueAt, 4);
    this.#memoryAt = arena.reserve(MEMINFO_SIZE);
    this.#memory = arena.slice(this.#memoryAt, MEMINFO_SIZE);
  }

  /** An unbound relay socket, tuned. @throws SystemCallError (EMFILE…) */
  openRelay(family: IpFamily, receiveBuffer: number): number {
    const domain = family === 6 ? AF_INET6 : AF_INET;
    const fd = checked(this.#libc, 'socket', this.#libc.socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // A peer ::ffff:a.b.c.d must not become an IPv4 peer on a relayed IPv6 address.
    if (family === 6) this.#set(fd, SOL_IPV6, IPV6_V6ONLY, 1);
    this.tuneRelay(fd, family, receiveBuffer);
    return fd;
  }

  /** Sets what a relay socket needs. Options that an old kernel lacks are wishes. */
  tuneRelay(fd: number, family: IpFamily, receiveBuffer: number): void {
    this.#setBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, receiveBuffer);
    this.#tune(fd, family);
    // ICMP errors, each with the datagram that it is about.
    if (family === 6) this.#set(fd, SOL_IPV6, IPV6_RECVERR, 1);
    else this.#set(fd, SOL_IP, IP_RECVERR, 1);
  }

  /** Sets what a listening socket needs. */
  tuneListener(fd: number, family: IpFamily, bufferBytes: number): void {
    this.#setBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, bufferBytes);
    this.#setBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, bufferBytes);
    this.#tune(fd, family);
  }

  /** Binds. @returns 0, or -1: errno tells */
  bind(fd: number, ip: IpAddress, port: number): number {
    const length = writeSockaddr(this.#arena, this.#nameAt, ip, port);
    return this.#libc.bind(fd, this.#name, length);
  }

  /** What a socket is bound to. @throws SystemCallError */
  addressOf(fd: number): TransportAddress {
    this.#arena.u32[this.#valueAt >>> 2] = SOCKADDR_ROOM;
    checked(this.#libc, 'getsockname', this.#libc.getsockname(fd, this.#name, this.#value));
    const words = new TransportWords();
    readSockaddr(this.#arena, this.#nameAt, words);
    return words.copyAddress();
  }

  /**
   * Sets DF (RFC 8656 §14) on what an IPv4 socket sends, or clears it; IPv6 has no such bit. Cleared by OMIT, not DONT:
   * under that the kernel would keep to itself that a datagram with DF was too long for a router (§11.5).
   */
  setDontFragment(fd: number, isSet: boolean): void {
    this.#set(fd, SOL_IP, IP_MTU_DISCOVER, isSet ? IP_PMTUDISC_DO : IP_PMTUDISC_OMIT);
  }

  /**
   * How many datagrams the kernel has dropped for want of room since the socket was opened (modulo 2^32). Asked now and
   * then: SO_RXQ_OVFL would tell with every datagram, whose work was 2.5 % of a worker's profile.
   */
  dropsOf(fd: number): number {
    this.#arena.u32[this.#valueAt >>> 2] = MEMINFO_SIZE;
    const result = this.#libc.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, this.#memory, this.#value);
    return result < 0 ? 0 : (this.#arena.u32[(this.#memoryAt >>> 2) + MEMINFO_DROPS] as number);
  }

  close(fd: number): void {
    this.#libc.close(fd);
  }

  #tune(fd: number, family: IpFamily): void {
    this.#set(fd, SOL_UDP, UDP_GRO, 1);
    // DF counts as 0 where nobody asks for it (RFC 8656 §14, alternate behaviour); an IPv6 socket may have IPv4 clients.
    this.setDontFragment(fd, false);
    if (family === 6) this.#set(fd, SOL_IPV6, IPV6_MTU_DISCOVER, IP_PMTUDISC_DONT);
    // DSCP and ECN are copied (RFC 8656 §14, preferred behaviour).
    this.#set(fd, SOL_IP, IP_RECVTOS, 1);
    if (family === 6) this.#set(fd, SOL_IPV6, IPV6_RECVTCLASS, 1);
  }

  // With CAP_NET_ADMIN beyond net.core.rmem_max, which is a few hundred datagrams on most systems; else up to it.
  #setBuffer(fd: number, force: number, wish: number, bytes: number): void {
    if (this.#mayForce) this.#mayForce = this.#set(fd, SOL_SOCKET, force, bytes) === 0;
    if (!this.#mayForce) this.#set(fd, SOL_SOCKET, wish, bytes);
  }

  #set(fd: number, level: number, option: number, value: number): number {
    this.#arena.u32[this.#valueAt >>> 2] = value;
    return this.#libc.setsockopt(fd, level, option, this.#value, 4);
  }
}
