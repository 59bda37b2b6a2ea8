// Permissions of one allocation, by peer IP address, and the channels that are bound to that address.
// Owns lookup and deadlines; who may have a permission is decided elsewhere.

import type { AddressWords } from '../stun/ip-address.ts';
import { hashWords, type IpAddress } from '../stun/ip-address.ts';
import type { Channel } from './channel.ts';

/** Milliseconds that a permission lasts from its last installation: exactly five minutes (RFC 8656 §9). */
export const PERMISSION_LIFETIME = 300_000;

/**
 * A peer IP address that a client has named. It outlives the permission itself while a channel is bound to the
 * address: then {@link isLive} tells that peers may not send any more (RFC 8656 §9, §12.1).
 */
export class Permission {
  readonly peer: IpAddress;
  /** Monotonic milliseconds at which the permission ends. */
  deadline: number;
  /**
   * Whether the peer is one of this host's own addresses: then each datagram is judged by IP and port. Asked anew at
   * each installation, for addresses come and go.
   */
  own: boolean;
  /**
   * Channels bound to a port of this address: few, so a scan beats a map. Made anew for each change, for an array that
   * grows keeps room for sixteen, which is a third of what a permission takes (S50).
   */
  channels: readonly Channel[] = [];
  /** The next entry with the same hash. */
  next: Permission | null = null;

  constructor(peer: IpAddress, own: boolean, deadline: number) {
    this.peer = peer;
    this.own = own;
    this.deadline = deadline;
  }

  isLive(now: number): boolean {
    return now < this.deadline;
  }

  addChannel(channel: Channel): void {
    this.channels = this.channels.concat(channel); // as long as it has to be, unlike a spread
  }

  removeChannel(channel: Channel): void {
    this.channels = this.channels.filter((other) => other !== channel);
  }

  /** The channel bound to `port` of this address, or null. */
  channelAt(port: number): Channel | null {
    const { channels } = this;
    for (let i = 0; i < channels.length; i++) {
      const channel = channels[i] as Channel;
      if (channel.port === port) return channel;
    }
    return null;
  }
}

/** The permissions of an allocation. Lookup allocates nothing. */
export class PermissionTable {
  readonly #byHash: Map<number, Permission> = new Map();
  readonly #seed: number;
  #size = 0;

  /** @param seed an int32 that clients do not know: else one could make all of its peers collide (S50) */
  constructor(seed: number) {
    this.#seed = seed;
  }

  get size(): number {
    return this.#size;
  }

  find(ip: AddressWords): Permission | null {
    let entry = this.#byHash.get(this.hashOf(ip)) ?? null;
    while (entry !== null && !entry.peer.sameWords(ip.family, ip.w0, ip.w1, ip.w2, ip.w3)) entry = entry.next;
    return entry;
  }

  /** Adds a permission whose address has none yet. */
  add(permission: Permission): void {
    const hash = this.hashOf(permission.peer);
    permission.next = this.#byHash.get(hash) ?? null;
    this.#byHash.set(hash, permission);
    this.#size++;
  }

  /** Removes a permission; one that is not in the table is left alone. */
  remove(permission: Permission): void {
    const hash = this.hashOf(permission.peer);
    const head = this.#byHash.get(hash) ?? null;
    if (head === permission) {
      if (permission.next === null) this.#byHash.delete(hash);
      else this.#byHash.set(hash, permission.next);
    } else if (!unlink(head, permission)) {
      return;
    }
    this.#size--;
  }

  /** A hash whose collisions no client can compute. */
  hashOf(ip: AddressWords): number {
    return hashWords(this.#seed ^ ip.w0, ip.w1, ip.w2, ip.w3);
  }

  /** All of them, for listings and for clearing. */
  list(): Permission[] {
    const all: Permission[] = [];
    for (const head of this.#byHash.values()) {
      for (let entry: Permission | null = head; entry !== null; entry = entry.next) all.push(entry);
    }
    return all;
  }
}

// Takes a permission out of the chain behind `head`; false if it is not there.
function unlink(head: Permission | null, permission: Permission): boolean {
  let entry = head;
  while (entry !== null && entry.next !== permission) entry = entry.next;
  if (entry === null) return false;
  entry.next = permission.next;
  return true;
}
