// The network between clients, server and hosts: it loses, doubles, delays and reorders datagrams as its weather says.

import type { Prng } from './prng.ts';
import type { Timeline } from './timeline.ts';

/** Carries datagrams. */
export class Network {
  /** Nothing is lost, and everything arrives at once. */
  isCalm = true;
  readonly #timeline: Timeline;
  readonly #random: Prng;
  readonly #loss: number;

  constructor(timeline: Timeline, random: Prng, loss: number) {
    this.#timeline = timeline;
    this.#random = random;
    this.#loss = loss;
  }

  /** Milliseconds that something is on its way. */
  delay(): number {
    if (this.isCalm) return 0;
    const random = this.#random;
    return random.chance(0.02) ? random.int(12_000) : random.int(250);
  }

  /** Brings a datagram to where `arrive` takes it: never, once or twice, later ones perhaps before earlier ones. */
  carry(arrive: () => void): void {
    if (this.isCalm) return arrive();
    if (this.#random.chance(this.#loss)) return;
    const copies = this.#random.chance(0.05) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) this.#timeline.after(this.delay(), arrive);
  }
}
