// The part of an operating system that relaying needs: bound UDP sockets with descriptors that processes hold, hand over
// and lose when they die. A port is free again when nobody holds its socket any more.

import type { TransportAddress } from '../../src/stun/transport-address.ts';

/** What takes in what arrives at a socket. */
export interface SocketReader {
  arrived(from: TransportAddress, payload: Buffer): void;
}

interface Bound {
  readonly local: TransportAddress;
  readonly key: string;
  descriptors: number;
  reader: SocketReader | null;
}

interface Descriptor {
  readonly socket: Bound;
  readonly holder: string;
}

/** All sockets of one host. */
export class Kernel {
  readonly #bound = new Map<string, Bound>();
  readonly #descriptors = new Map<number, Descriptor>();
  #next = 3;

  /** How many sockets are bound. */
  get size(): number {
    return this.#bound.size;
  }

  /** Binds a socket. @returns its descriptor, or null: the address is in use */
  bind(local: TransportAddress, holder: string): number | null {
    const key = keyOf(local);
    if (this.#bound.has(key)) return null;
    const socket: Bound = { local, key, descriptors: 0, reader: null };
    this.#bound.set(key, socket);
    return this.#give(socket, holder);
  }

  isBound(local: TransportAddress): boolean {
    return this.#bound.has(keyOf(local));
  }

  /** From now on `reader` takes what arrives; null: nobody does, and it is lost. */
  read(fd: number, reader: SocketReader | null): void {
    this.#of(fd).socket.reader = reader;
  }

  addressOf(fd: number): TransportAddress {
    return this.#of(fd).socket.local;
  }

  /** Another descriptor for the same socket, in the hands of somebody else. */
  duplicate(fd: number, holder: string): number {
    return this.#give(this.#of(fd).socket, holder);
  }

  close(fd: number): void {
    const { socket } = this.#of(fd);
    this.#descriptors.delete(fd);
    socket.descriptors--;
    if (socket.descriptors === 0) this.#bound.delete(socket.key);
  }

  /** A process has died, or a channel: what it held is closed. */
  closeAllOf(holder: string): void {
    for (const [fd, descriptor] of this.#descriptors) {
      if (descriptor.holder !== holder) continue;
      descriptor.socket.reader = null;
      this.close(fd);
    }
  }

  /** How many sockets a process has a descriptor of. */
  heldBy(holder: string): number {
    return [...this.#descriptors.values()].filter((each) => each.holder === holder).length;
  }

  /** A datagram to an address of this host. Nobody there: it is lost. */
  deliver(from: TransportAddress, to: TransportAddress, payload: Buffer): void {
    this.#bound.get(keyOf(to))?.reader?.arrived(from, payload);
  }

  #give(socket: Bound, holder: string): number {
    const fd = this.#next++;
    socket.descriptors++;
    this.#descriptors.set(fd, { socket, holder });
    return fd;
  }

  #of(fd: number): Descriptor {
    const descriptor = this.#descriptors.get(fd);
    if (descriptor === undefined) throw new Error(`descriptor ${fd} is closed`);
    return descriptor;
  }
}

function keyOf(address: TransportAddress): string {
  return address.text;
}
