// Keeps allocations alive while packets are sent: refreshes each client's permission, channel and allocation before they
// end, spread over time. Knows neither sockets nor packets.

import { bind, permit, refresh } from './exchanges.ts';
import type { Client, Exchange, Requests } from './requests.ts';

const SECOND_NS = 1e9;
const LOOK_NS = 50e6;

/** What is refreshed how often: a permission lasts 300 s, a channel 600 s, an allocation what it asks for. */
const DUTIES: readonly { readonly exchange: Exchange; readonly every: number }[] = [
  { exchange: permit, every: 240 },
  { exchange: bind, every: 540 },
  { exchange: refresh(600), every: 540 },
];

/** Refreshes what is due. */
export class Renewals {
  /** Requests that were sent for the first time. */
  begun = 0;
  readonly #requests: Requests;
  readonly #clients: readonly Client[];
  /** When each duty of each client was last begun. */
  readonly #begunAt: Float64Array;
  #looked = 0;

  /** @param now what the clients did last, they did now */
  constructor(requests: Requests, clients: readonly Client[], now: number) {
    this.#requests = requests;
    this.#clients = clients;
    this.#begunAt = new Float64Array(clients.length * DUTIES.length);
    // As if they had been set up one after the other: the first half of a time is theirs to spread in.
    for (let i = 0; i < this.#begunAt.length; i++) {
      const { every } = DUTIES[i % DUTIES.length] as (typeof DUTIES)[number];
      this.#begunAt[i] = now - (every * SECOND_NS * i) / this.#begunAt.length / 2;
    }
  }

  /** Sends what is due now, `pace` times as often as it must be. @throws Error when a request was never answered */
  tend(now: number, pace: number): void {
    if (now - this.#looked < LOOK_NS) return;
    this.#looked = now;
    this.#requests.retransmit(now);
    for (let i = 0; i < this.#begunAt.length; i++) {
      const { exchange, every } = DUTIES[i % DUTIES.length] as (typeof DUTIES)[number];
      const client = Math.floor(i / DUTIES.length);
      if (now - (this.#begunAt[i] as number) < (every * SECOND_NS) / pace || this.#requests.isRunning(client)) continue;
      this.#begunAt[i] = now;
      this.begun++;
      this.#requests.start(this.#clients[client] as Client, client, [exchange]);
    }
  }

  /** Takes a datagram that is no packet. @throws Error when it is a refusal */
  take(client: number, start: number, end: number): void {
    this.#requests.take(client, start, end);
  }
}
