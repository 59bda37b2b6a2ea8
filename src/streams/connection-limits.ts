// Counts connections in all and per client address. Knows no sockets.

import { clientNetwork } from '../stun/client-network.ts';
import type { AddressWords } from '../stun/ip-address.ts';

/** Whether one more connection is admitted. */
export const Admission = {
  ADMITTED: 0,
  OVER_TOTAL: 1,
  OVER_CLIENT: 2,
} as const;
export type Admission = (typeof Admission)[keyof typeof Admission];

/** Connections in every state, by client. A client is an IPv4 address, or an IPv6 /64: whoever has one has all of it. */
export class ConnectionLimits {
  readonly #perClient = new Map<string, number>();
  #total = 0;

  /** Connections now. */
  get total(): number {
    return this.#total;
  }

  /** Takes a place, if admitted. `limitPerClient` 0 = no limit. */
  acquire(client: AddressWords, limit: number, limitPerClient: number): Admission {
    if (this.#total >= limit) return Admission.OVER_TOTAL;
    const key = clientNetwork(client);
    const count = this.#perClient.get(key) ?? 0;
    if (limitPerClient > 0 && count >= limitPerClient) return Admission.OVER_CLIENT;
    this.#perClient.set(key, count + 1);
    this.#total++;
    return Admission.ADMITTED;
  }

  /** Gives a place back: once for each that was taken. */
  release(client: AddressWords): void {
    const key = clientNetwork(client);
    const count = this.#perClient.get(key) ?? 0;
    if (count > 1) this.#perClient.set(key, count - 1);
    else this.#perClient.delete(key);
    this.#total--;
  }
}
