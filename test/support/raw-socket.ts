// Sockets of the foreign side that Node does not offer: blocking ones, ones that segment what they send (UDP GSO), whole
// IP packets by hand, and a capture of what is on the wire. By system calls, but with structures of its own.

import { Arena } from '../../src/planes/linux/arena.ts';
import type { Libc } from '../../src/planes/linux/libc.ts';
import { IpPacket } from './ip-packet.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_ATTACH_FILTER = 26;
const SO_RCVBUFFORCE = 33;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const IPPROTO_RAW = 255;
const SOL_IPV6 = 41;
const IPV6_HDRINCL = 36;
const MSG_DONTWAIT = 0x40;
const ETH_P_ALL_SWAPPED = 0x0300;

/** Bytes of the largest packet that a capture hears. */
const LARGEST_HEARD = 600;

const PATIENCE_SECONDS = 10;

/** A datagram, or an IP packet, as it was read. */
export interface RawHeard {
  readonly bytes: Buffer;
  readonly port: number;
  /** Of a capture: whether the packet was on its way out. */
  readonly outgoing: boolean;
}

/** A socket by system calls. Close it. */
export class RawSocket {
  readonly fd: number;
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #header: number;
  readonly #name: number;
  readonly #vector: number;
  readonly #control: number;
  readonly #data: number;

  /** A UDP socket at an address; it blocks when it reads. */
  static udp(libc: Libc, ip: string, port = 0): RawSocket {
    const socket = new RawSocket(libc, ip.includes(':') ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
    socket.set(SOL_SOCKET, SO_RCVBUFFORCE, 64 * 1024 * 1024);
    const length = socket.#writeName(ip, port);
    socket.#check('bind', libc.bind(socket.fd, socket.#arena.slice(socket.#name, 28), length));
    return socket;
  }

  /** Sends whole IP packets. Takes rights: null without. */
  static ip(libc: Libc, family: 4 | 6): RawSocket | null {
    const domain = family === 6 ? AF_INET6 : AF_INET;
    const probe = libc.socket(domain, SOCK_RAW, IPPROTO_RAW);
    if (probe < 0) return null;
    libc.close(probe);
    const socket = new RawSocket(libc, domain, SOCK_RAW, IPPROTO_RAW);
    if (family === 6) socket.set(SOL_IPV6, IPV6_HDRINCL, 1);
    return socket;
  }

  /**
   * Hears every small IP packet of every interface, from the IP header on. Takes rights: null without. Large ones are
   * left out, or else a test that floods the loopback beside this one would fill the buffer.
   */
  static capture(libc: Libc): RawSocket | null {
    const probe = libc.socket(AF_PACKET, SOCK_DGRAM, ETH_P_ALL_SWAPPED);
    if (probe < 0) return null;
    libc.close(probe);
    const socket = new RawSocket(libc, AF_PACKET, SOCK_DGRAM, ETH_P_ALL_SWAPPED);
    socket.set(SOL_SOCKET, SO_RCVBUFFORCE, 16 * 1024 * 1024);
    socket.#hearUpTo(LARGEST_HEARD);
    return socket;
  }

  private constructor(libc: Libc, domain: number, type: number, protocol: number) {
    this.#libc = libc;
    this.#arena = new Arena(libc, 70_000);
    this.#header = this.#arena.reserve(64);
    this.#name = this.#arena.reserve(32);
    this.#vector = this.#arena.reserve(16);
    this.#control = this.#arena.reserve(64);
    this.#data = this.#arena.reserve(65_536);
    this.fd = libc.socket(domain, type | SOCK_CLOEXEC, protocol);
    this.#check('socket', this.fd);
    this.#arena.writePointer(this.#header, this.#name);
    this.#arena.writePointer(this.#header + 16, this.#vector);
    this.#arena.writeU64(this.#header + 24, 1);
    this.#arena.writePointer(this.#vector, this.#data);
    this.#arena.bytes.writeBigInt64LE(BigInt(PATIENCE_SECONDS), this.#data);
    libc.setsockopt(this.fd, SOL_SOCKET, SO_RCVTIMEO, this.#arena.slice(this.#data, 16), 16);
  }

  get port(): number {
    const { bytes } = this.#arena;
    bytes.writeUInt32LE(28, this.#data);
    const name = this.#arena.slice(this.#name, 28);
    this.#check('getsockname', this.#libc.getsockname(this.fd, name, this.#arena.slice(this.#data, 4)));
    return bytes.readUInt16BE(this.#name + 2);
  }

  /** Sets an option that is an int. */
  set(level: number, option: number, value: number): void {
    this.#arena.bytes.writeInt32LE(value, this.#data);
    this.#libc.setsockopt(this.fd, level, option, this.#arena.slice(this.#data, 4), 4);
  }

  // Three instructions of classic BPF: load the length; drop what is longer; else take all of it.
  #hearUpTo(length: number): void {
    const { bytes } = this.#arena;
    const program = this.#data + 64;
    const code = [
      [0x80, 0, 0, 0],
      [0x25, 1, 0, length],
      [0x06, 0, 0, 0xffff],
      [0x06, 0, 0, 0],
    ];
    for (const [index, [operation = 0, ifTrue = 0, ifFalse = 0, value = 0]] of code.entries()) {
      bytes.writeUInt16LE(operation, program + index * 8);
      bytes[program + index * 8 + 2] = ifTrue;
      bytes[program + index * 8 + 3] = ifFalse;
      bytes.writeUInt32LE(value, program + index * 8 + 4);
    }
    bytes.writeUInt16LE(code.length, this.#data);
    this.#arena.writePointer(this.#data + 8, program);
    const result = this.#libc.setsockopt(this.fd, SOL_SOCKET, SO_ATTACH_FILTER, this.#arena.slice(this.#data, 16), 16);
    this.#check('setsockopt', result);
  }

  /** Sends one datagram (or IP packet); with `segment` as several datagrams of that length (UDP GSO). */
  send(payload: Buffer, ip: string, port: number, segment = 0): void {
    const { bytes } = this.#arena;
    bytes.writeUInt32LE(this.#writeName(ip, port), this.#header + 8);
    this.#arena.writeU64(this.#vector + 8, payload.length);
    this.#arena.writePointer(this.#header + 32, this.#control);
    this.#arena.writeU64(this.#header + 40, segment === 0 ? 0 : 24);
    this.#arena.writeU64(this.#control, 18);
    bytes.writeUInt32LE(SOL_UDP, this.#control + 8);
    bytes.writeUInt32LE(UDP_SEGMENT, this.#control + 12);
    bytes.writeUInt16LE(segment, this.#control + 16);
    payload.copy(bytes, this.#data);
    this.#check('sendmsg', this.#libc.sendmsg(this.fd, this.#arena.slice(this.#header, 56), 0));
  }

  /** The next datagram; waits for it, and throws if it does not come. */
  next(): RawHeard {
    const heard = this.#receive(0);
    if (heard === null) throw new Error('a datagram did not come');
    return heard;
  }

  /** The next datagram if it is there. */
  now(): RawHeard | null {
    return this.#receive(MSG_DONTWAIT);
  }

  /** IP packets that have been captured and carry UDP from or to a port: those that come in, and not their way out. */
  packets(port: number): IpPacket[] {
    const packets: IpPacket[] = [];
    for (let heard = this.now(); heard !== null; heard = this.now()) {
      const packet = heard.outgoing ? null : IpPacket.read(heard.bytes);
      if (packet !== null && (packet.sourcePort === port || packet.targetPort === port)) packets.push(packet);
    }
    return packets;
  }

  close(): void {
    this.#libc.close(this.fd);
  }

  #receive(flags: number): RawHeard | null {
    const { bytes } = this.#arena;
    bytes.writeUInt32LE(32, this.#header + 8);
    this.#arena.writeU64(this.#vector + 8, 65_536);
    this.#arena.writeU64(this.#header + 40, 0);
    const length = this.#libc.recvmsg(this.fd, this.#arena.slice(this.#header, 56), flags);
    if (length < 0) return null;
    const data = Buffer.from(bytes.subarray(this.#data, this.#data + length));
    return { bytes: data, port: bytes.readUInt16BE(this.#name + 2), outgoing: bytes[this.#name + 10] === 4 };
  }

  #writeName(ip: string, port: number): number {
    const { bytes } = this.#arena;
    bytes.fill(0, this.#name, this.#name + 28);
    bytes.writeUInt16BE(port, this.#name + 2);
    bytes.writeUInt16LE(ip.includes(':') ? AF_INET6 : AF_INET, this.#name);
    if (!ip.includes(':')) {
      for (const [index, part] of ip.split('.').entries()) bytes[this.#name + 4 + index] = Number(part);
      return 16;
    }
    if (ip !== '::' && ip !== '::1') throw new Error('only the loopback address is written here');
    bytes[this.#name + 23] = ip === '::1' ? 1 : 0;
    return 28;
  }

  #check(name: string, result: number): void {
    if (result < 0) throw new Error(`${name}: errno ${this.#libc.errno()}`);
  }
}
