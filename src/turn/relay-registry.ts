// The live relayed transport addresses of this server, by what clients and peers see. Relay-to-relay traffic finds its
// way by it, and it tells which of the host's own addresses may be peers at all.

import type { AddressWords, IpAddress } from '../stun/ip-address.ts';
import type { Relay } from './allocation.ts';

/** Looked up per packet towards an own address: a port has as many entries as there are relay addresses. */
export class RelayRegistry {
  readonly #byPort: Map<number, Relay[]> = new Map();
  /** How many relays are shown at each address: an external address that has changed is still some relays'. */
  readonly #byAddress: Map<string, number> = new Map();

  add(relay: Relay): void {
    const { ip, port } = relay.relayed;
    this.#byAddress.set(ip.text, (this.#byAddress.get(ip.text) ?? 0) + 1);
    const entries = this.#byPort.get(port);
    if (entries === undefined) this.#byPort.set(port, [relay]);
    else entries.push(relay);
  }

  remove(relay: Relay): void {
    const { ip, port } = relay.relayed;
    const entries = this.#byPort.get(port);
    const index = entries?.indexOf(relay) ?? -1;
    if (entries === undefined || index < 0) return;
    entries.splice(index, 1);
    if (entries.length === 0) this.#byPort.delete(port);
    const left = (this.#byAddress.get(ip.text) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(ip.text, left);
    else this.#byAddress.delete(ip.text);
  }

  /** Whether any live relay is shown at `ip`. */
  shows(ip: IpAddress): boolean {
    return this.#byAddress.has(ip.text);
  }

  /** The live relay that is shown as `ip`:`port`, or null. */
  find(ip: IpAddress | AddressWords, port: number): Relay | null {
    const entries = this.#byPort.get(port);
    if (entries === undefined) return null;
    for (let i = 0; i < entries.length; i++) {
      const relay = entries[i] as Relay;
      if (relay.relayed.ip.sameWords(ip.family, ip.w0, ip.w1, ip.w2, ip.w3)) return relay;
    }
    return null;
  }
}
