// Which channel number belongs to which peer, and which of both may not be used again yet (RFC 8656 §12). Time comes as an
// argument.

import { FIRST_CHANNEL, LAST_CHANNEL } from '../stun/channel-data.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import { ClientError } from './client-error.ts';

/** How long a binding lives, in milliseconds. */
export const CHANNEL_LIFETIME_MS = 600_000;

/** How long number and peer rest after it, so that late packets find nobody else (RFC 8656 §12). */
export const CHANNEL_REST_MS = 300_000;

interface Binding {
  readonly channel: number;
  readonly peer: TransportAddress;
  expiresAt: number;
}

/** The bindings of one allocation. */
export class ChannelBook {
  readonly #byNumber = new Map<number, Binding>();
  readonly #byPeer = new Map<string, Binding>();

  /**
   * The number to bind to `peer`: its own, the wished one, or the lowest free one. Throws a {@link ClientError}:
   * `wait` while the number or the peer belongs, or belonged until lately, to another.
   */
  choose(peer: TransportAddress, now: number, wish?: number): number {
    const known = this.#byPeer.get(peer.text);
    const channel = wish ?? this.#usable(known, now)?.channel ?? this.#lowestFree(now);
    this.#checkRest(known, channel, now, `the peer ${peer.text}`);
    const holder = this.#byNumber.get(channel);
    if (holder !== undefined && !holder.peer.equals(peer))
      this.#checkRest(holder, 0, now, `channel 0x${channel.toString(16)}`);
    return channel;
  }

  /** Notes that the server has bound them now. */
  bound(channel: number, peer: TransportAddress, now: number): void {
    const binding = { channel, peer, expiresAt: now + CHANNEL_LIFETIME_MS };
    this.#byNumber.set(channel, binding);
    this.#byPeer.set(peer.text, binding);
  }

  /** The peer of a channel that is bound now, or null. */
  peerOf(channel: number, now: number): TransportAddress | null {
    return this.#live(this.#byNumber.get(channel), now)?.peer ?? null;
  }

  /** The channel of a peer that is bound now, or null. */
  channelOf(peer: TransportAddress, now: number): number | null {
    return this.#live(this.#byPeer.get(peer.text), now)?.channel ?? null;
  }

  #live(binding: Binding | undefined, now: number): Binding | null {
    return binding !== undefined && now < binding.expiresAt ? binding : null;
  }

  // The same pair may be bound again at any time.
  #usable(binding: Binding | undefined, now: number): Binding | null {
    return binding !== undefined && now < binding.expiresAt + CHANNEL_REST_MS ? binding : null;
  }

  #checkRest(binding: Binding | undefined, channel: number, now: number, what: string): void {
    if (binding === undefined || binding.channel === channel) return;
    const waitMs = binding.expiresAt + CHANNEL_REST_MS - now;
    if (waitMs > 0) throw new ClientError('wait', `${what} cannot be bound anew for ${waitMs / 1000} s`, { waitMs });
  }

  #lowestFree(now: number): number {
    for (let channel = FIRST_CHANNEL; channel <= LAST_CHANNEL; channel++) {
      if (this.#usable(this.#byNumber.get(channel), now) === null) return channel;
    }
    throw new ClientError('wait', 'every channel number is in use', { waitMs: CHANNEL_REST_MS });
  }
}
