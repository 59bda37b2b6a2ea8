// The known five-tuples of a listening socket, found by the raw words of a datagram's sockaddr: open addressing over
// numbers, no object and no text per look-up. Knows no STUN.

import type { TransportAddress } from '../../stun/transport-address.ts';
import { ClientEndpoint } from '../../turn/client-endpoint.ts';
import type { ClientLink } from '../../turn/env.ts';
import { Transport } from '../../turn/transport.ts';
import { AF_INET6 } from './abi.ts';
import { sockaddrHead, swapped } from './destination.ts';

/** A UDP five-tuple, and its client's sockaddr as raw words. */
export class LinuxEndpoint extends ClientEndpoint {
  head = 0;
  a0 = 0;
  a1 = 0;
  a2 = 0;
  a3 = 0;

  constructor(link: ClientLink, local: TransportAddress) {
    super(link, Transport.UDP, local);
  }

  override copy(): LinuxEndpoint {
    const copy = new LinuxEndpoint(this.link, this.local);
    copy.source.copyFrom(this.source);
    copy.takeSource();
    return copy;
  }

  /** Makes the raw words out of {@link source}. */
  takeSource(): void {
    const { family, port, w0, w1, w2, w3 } = this.source;
    this.head = sockaddrHead(family, port);
    this.a0 = swapped(family === 6 ? w0 : w3);
    this.a1 = family === 6 ? swapped(w1) : 0;
    this.a2 = family === 6 ? swapped(w2) : 0;
    this.a3 = family === 6 ? swapped(w3) : 0;
  }
}

const FIRST_CAPACITY = 64;

/** Known endpoints. */
export class ClientTable {
  /** Unpredictable: or else clients could choose their ports so that all of them meet. */
  readonly #seed: number;
  #slots: (LinuxEndpoint | null)[];
  #count = 0;

  constructor(seed: number) {
    this.#seed = seed | 0;
    this.#slots = emptySlots(FIRST_CAPACITY);
  }

  get size(): number {
    return this.#count;
  }

  list(): LinuxEndpoint[] {
    return this.#slots.filter((slot) => slot !== null);
  }

  /** The endpoint whose client has the sockaddr at `word` (in words) of `words`, or null. */
  find(words: Int32Array, word: number): LinuxEndpoint | null {
    const head = words[word] as number;
    const isIpv6 = (head & 0xffff) === AF_INET6;
    const a0 = words[isIpv6 ? word + 2 : word + 1] as number;
    const a1 = isIpv6 ? (words[word + 3] as number) : 0;
    const a2 = isIpv6 ? (words[word + 4] as number) : 0;
    const a3 = isIpv6 ? (words[word + 5] as number) : 0;
    return this.#slots[this.#slotOf(head, a0, a1, a2, a3)] ?? null;
  }

  /** The known endpoint with the same client, or null. */
  findSame(endpoint: LinuxEndpoint): LinuxEndpoint | null {
    return this.#slots[this.#slotFor(endpoint)] ?? null;
  }

  /** Adds an endpoint that is not known. */
  add(endpoint: LinuxEndpoint): void {
    // At most half full: a look-up then sees one or two slots.
    if ((this.#count + 1) * 2 > this.#slots.length) this.#grow();
    this.#slots[this.#slotFor(endpoint)] = endpoint;
    this.#count++;
  }

  /** Removes an endpoint; one that is not known changes nothing. */
  remove(endpoint: LinuxEndpoint): void {
    const mask = this.#slots.length - 1;
    let hole = this.#slotFor(endpoint);
    if (this.#slots[hole] !== endpoint) return;
    this.#count--;
    // What was pushed on by the one that goes moves back, so that no search ends at the hole.
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const moved = this.#slots[slot] ?? null;
      if (moved === null) break;
      const home = this.#hash(moved.head, moved.a0, moved.a1, moved.a2, moved.a3) & mask;
      const isBetween = ((slot - home) & mask) < ((slot - hole) & mask);
      if (isBetween) continue;
      this.#slots[hole] = moved;
      hole = slot;
    }
    this.#slots[hole] = null;
  }

  #slotFor(endpoint: LinuxEndpoint): number {
    return this.#slotOf(endpoint.head, endpoint.a0, endpoint.a1, endpoint.a2, endpoint.a3);
  }

  // Where it is, or else the free slot where it would go.
  #slotOf(head: number, a0: number, a1: number, a2: number, a3: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = this.#hash(head, a0, a1, a2, a3) & mask; ; slot = (slot + 1) & mask) {
      const found = slots[slot] as LinuxEndpoint | null; // the mask keeps it inside
      if (found === null) return slot;
      const isSame = found.a0 === a0 && found.head === head && found.a1 === a1 && found.a2 === a2 && found.a3 === a3;
      if (isSame) return slot;
    }
  }

  #hash(head: number, a0: number, a1: number, a2: number, a3: number): number {
    let hash = Math.imul(head ^ this.#seed, 0x9e3779b1);
    hash = Math.imul((hash ^ (hash >>> 15)) + a0, 0x85ebca6b);
    hash = Math.imul((hash ^ (hash >>> 13)) + a1, 0xc2b2ae35);
    hash = Math.imul((hash ^ (hash >>> 15)) + a2, 0x27d4eb2f);
    hash = Math.imul((hash ^ (hash >>> 13)) + a3, 0x165667b1);
    return hash ^ (hash >>> 16);
  }

  #grow(): void {
    const known = this.list();
    this.#slots = emptySlots(this.#slots.length * 2);
    for (const endpoint of known) this.#slots[this.#slotFor(endpoint)] = endpoint;
  }
}

function emptySlots(length: number): (LinuxEndpoint | null)[] {
  return Array.from({ length }, () => null);
}
