// The generator's sockets, straight from the kernel: connected UDP sockets in one epoll. Knows nothing of TURN.

import {
  AF_INET,
  AF_INET6,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLLIN,
  SO_RCVBUF,
  SO_SNDBUF,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCKADDR_ROOM,
  SOL_SOCKET,
} from '../../src/planes/linux/abi.ts';
import type { Libc } from '../../src/planes/linux/libc.ts';
import { readSockaddr, sockaddrSize, writeSockaddr } from '../../src/planes/linux/sockaddr.ts';
import { checked } from '../../src/planes/linux/system-error.ts';
import { type IpFamily, parseIp } from '../../src/stun/ip-address.ts';
import { TransportWords } from '../../src/stun/transport-address.ts';
import type { Address } from '../turn-messages.ts';
import type { MessageMemory } from './message-memory.ts';

/** An array of numbers about a socket's memory; the ninth counts the datagrams that found no room. */
const SO_MEMINFO = 55;
const MEMINFO_SIZE = 36;
const MEMINFO_DROPS = 8;

/** As much as an ordinary user may have, usually; the kernel cuts it to its limit. */
const SOCKET_BUFFER = 4 << 20;

/** Opens and closes sockets; a socket is its descriptor. */
export class KernelSockets {
  readonly epoll: number;
  readonly #libc: Libc;
  readonly #memory: MessageMemory;
  readonly #open: number[] = [];

  constructor(libc: Libc, memory: MessageMemory) {
    this.#libc = libc;
    this.#memory = memory;
    this.epoll = checked(libc, 'epoll_create1', libc.epollCreate(EPOLL_CLOEXEC));
  }

  /** Opens a socket towards `remote`, from the address `local` if there is one. Ready events of it carry `data`. */
  open(remote: Address, local: string | null, data: number): number {
    const libc = this.#libc;
    const family = familyOf(remote);
    const type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const fd = checked(libc, 'socket', libc.socket(family === 6 ? AF_INET6 : AF_INET, type, 0));
    this.#open.push(fd);
    for (const option of [SO_RCVBUF, SO_SNDBUF]) this.#set(fd, option, SOCKET_BUFFER);
    if (local !== null) this.#call('bind', libc.bind, fd, { address: local, port: 0 });
    this.#call('connect', libc.connect, fd, remote);
    this.#watch(fd, data);
    return fd;
  }

  /** The address that a socket is bound to. */
  addressOf(fd: number): Address {
    const { arena, addressAt, address, length, lengthAt } = this.#memory;
    arena.u32[lengthAt >>> 2] = SOCKADDR_ROOM;
    checked(this.#libc, 'getsockname', this.#libc.getsockname(fd, address, length));
    const words = new TransportWords();
    readSockaddr(arena, addressAt, words);
    const copy = words.copyAddress();
    return { address: copy.ip.text, port: copy.port };
  }

  /** Datagrams that all sockets together had no room for, since they were opened. */
  dropped(): number {
    const { arena, value, valueAt, length, lengthAt } = this.#memory;
    let sum = 0;
    for (const fd of this.#open) {
      arena.u32[lengthAt >>> 2] = MEMINFO_SIZE;
      if (this.#libc.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, value, length) === 0) {
        sum += arena.u32[(valueAt >>> 2) + MEMINFO_DROPS] as number;
      }
    }
    return sum;
  }

  /** Closes everything. */
  close(): void {
    for (const fd of this.#open.splice(0)) this.#libc.close(fd);
    this.#libc.close(this.epoll);
  }

  #set(fd: number, option: number, value: number): void {
    this.#memory.arena.u32[this.#memory.valueAt >>> 2] = value;
    checked(this.#libc, 'setsockopt', this.#libc.setsockopt(fd, SOL_SOCKET, option, this.#memory.value, 4));
  }

  #call(name: string, call: Libc['bind'], fd: number, { address, port }: Address): void {
    const ip = parseIp(address);
    if (ip === null) throw new TypeError(`not an IP address: ${address}`);
    writeSockaddr(this.#memory.arena, this.#memory.addressAt, ip, port);
    checked(this.#libc, name, call(fd, this.#memory.address, sockaddrSize(ip.family)));
  }

  #watch(fd: number, data: number): void {
    const { arena, valueAt, value } = this.#memory;
    const layout = this.#libc.epollLayout;
    arena.u32[valueAt >>> 2] = EPOLLIN;
    arena.u32[(valueAt + layout.data) >>> 2] = data;
    checked(this.#libc, 'epoll_ctl', this.#libc.epollCtl(this.epoll, EPOLL_CTL_ADD, fd, value));
  }
}

function familyOf({ address }: Address): IpFamily {
  return address.includes(':') ? 6 : 4;
}
