// The relayed addresses of the other workers, by the port table that all share. Called per packet: makes no garbage.

import type { PortTable } from '../planes/port-table.ts';
import { isWorkerOwner } from '../planes/port-table.ts';
import type { IpAddress } from '../stun/ip-address.ts';
import type { TransportWords } from '../stun/transport-address.ts';
import type { RelayNeighbours } from '../turn/env.ts';

/** A relay address of this server: its row in the table is its index. */
export interface RelayAddressPair {
  /** What relay sockets are bound to. */
  readonly ip: IpAddress;
  /** What clients see. */
  readonly shown: IpAddress;
  /** All that clients have ever seen: a port's mark in the table is an index. */
  readonly known: readonly IpAddress[];
}

/** What other workers relay. */
export class TableNeighbours implements RelayNeighbours {
  readonly #table: PortTable;
  readonly #owner: number;
  readonly #addresses: { readonly pairs: readonly RelayAddressPair[] };

  /**
   * @param owner the owner byte of this worker
   * @param addresses asked anew each time: what is shown may change
   */
  constructor(table: PortTable, owner: number, addresses: { readonly pairs: readonly RelayAddressPair[] }) {
    this.#table = table;
    this.#owner = owner;
    this.#addresses = addresses;
  }

  privateOf(ip: IpAddress, port: number): IpAddress | null {
    const { pairs } = this.#addresses;
    for (let row = 0; row < pairs.length; row++) {
      const pair = pairs[row] as RelayAddressPair;
      if (this.#shownAt(row, port, pair).equals(ip) && this.#isAnothers(row, port)) return pair.ip;
    }
    return null;
  }

  toShown(source: TransportWords): void {
    const { family, w0, w1, w2, w3, port } = source;
    const { pairs } = this.#addresses;
    for (let row = 0; row < pairs.length; row++) {
      const pair = pairs[row] as RelayAddressPair;
      if (!pair.ip.sameWords(family, w0, w1, w2, w3)) continue;
      if (this.#isAnothers(row, port)) source.setTo(this.#shownAt(row, port, pair), port);
      return;
    }
  }

  // As it was when the relay was opened: that is what its peers know it by. One that was told of a moment ago may be unknown yet.
  #shownAt(row: number, port: number, { known, shown }: RelayAddressPair): IpAddress {
    return known[this.#table.markOf(row, port)] ?? shown;
  }

  #isAnothers(row: number, port: number): boolean {
    const owner = this.#table.ownerOf(row, port);
    return owner !== this.#owner && isWorkerOwner(owner);
  }
}
