// Counts connections in all and per client address, over all processes of a server. Knows no sockets.

import type { AddressWords } from '../stun/ip-address.ts';
import type { Random } from '../turn/env.ts';
import { ConnectionMemory } from './connection-memory.ts';

/** Whether one more connection is admitted. */
export const Admission = {
  ADMITTED: 0,
  OVER_TOTAL: 1,
  OVER_CLIENT: 2,
} as const;
export type Admission = (typeof Admission)[keyof typeof Admission];

/**
 * Connections in every state, by client. A client is an IPv4 address, or an IPv6 /64: whoever has one has all of it.
 * Never one too many: each process counts itself in before it looks at what all have. Where two take the last place in
 * the same moment, both may be refused.
 */
export class ConnectionLimits {
  readonly #memory: ConnectionMemory;
  readonly #row: number;

  /** @param row this process's, from 0 on: nobody else's as long as it lives */
  constructor(memory: ConnectionMemory, row: number) {
    this.#memory = memory;
    this.#row = row;
    memory.reset(row);
  }

  /** For a process that is the whole server. */
  static ofOneProcess(random: Random): ConnectionLimits {
    const memory = new ConnectionMemory(new Uint8Array(ConnectionMemory.byteLength(1)));
    memory.sow(random);
    return new ConnectionLimits(memory, 0);
  }

  /** Connections of this process now. */
  get own(): number {
    return this.#memory.of(this.#row);
  }

  /** Takes a place, if admitted. `limitPerClient` 0 = no limit. */
  acquire(client: AddressWords, limit: number, limitPerClient: number): Admission {
    const memory = this.#memory;
    memory.add(this.#row, client, 1);
    const isOverClient = limitPerClient > 0 && memory.ofClient(client) > limitPerClient;
    if (!isOverClient && memory.total() <= limit) return Admission.ADMITTED;
    this.release(client);
    return isOverClient ? Admission.OVER_CLIENT : Admission.OVER_TOTAL;
  }

  /** Gives a place back: once for each that was taken. */
  release(client: AddressWords): void {
    this.#memory.add(this.#row, client, -1);
  }
}
