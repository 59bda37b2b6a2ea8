// Two labs as two processes of one server on one host: each has an engine and clients of its own, and their relay sockets
// share the host's addresses. What each knows of the other's relays is looked up there, as in a table that both see.

import type { IpAddress } from '../../src/stun/ip-address.ts';
import type { TransportWords } from '../../src/stun/transport-address.ts';
import type { RelayNeighbours, RelaySocket } from '../../src/turn/env.ts';
import { Lab, type LabOptions } from './lab.ts';

/** What a process knows of the relays of another one. */
class LabNeighbours implements RelayNeighbours {
  other: Lab | null = null;

  privateOf(ip: IpAddress, port: number): IpAddress | null {
    const socket = this.#sockets().find(({ relayed }) => relayed.port === port && relayed.ip.equals(ip));
    return socket?.local.ip ?? null;
  }

  toShown(source: TransportWords): void {
    const found = this.#sockets().find(({ local }) => local.equals(source.copyAddress()));
    if (found !== undefined) source.set(found.relayed);
  }

  #sockets(): RelaySocket[] {
    const allocations = [...(this.other?.engine.allocations.list() ?? [])];
    return allocations.flatMap((allocation) => allocation.relays().map(({ socket }) => socket));
  }
}

/** Two processes of one server. */
export function twoProcesses(options: LabOptions = {}): [Lab, Lab] {
  const known = [new LabNeighbours(), new LabNeighbours()] as const;
  const one = new Lab({ ...options, env: { ...options.env, neighbours: known[0] } });
  const two = new Lab({ ...options, relays: one.relays, env: { ...options.env, neighbours: known[1] } });
  known[0].other = two;
  known[1].other = one;
  return [one, two];
}
