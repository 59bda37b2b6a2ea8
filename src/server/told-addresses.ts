// The addresses of the host and the server as main tells them to a worker.

import { HostAddresses } from '../net/own-addresses.ts';
import { type IpAddress, parseIp } from '../stun/ip-address.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import type { WireAddresses, WireEndpoint } from '../workers/messages.ts';
import type { RelayAddressPair } from './table-neighbours.ts';

/** Kept as they were told last. */
export class ToldAddresses {
  readonly own: HostAddresses;
  /** What relay sockets are bound to, in the order of the port table's rows; for the whole life of a server. */
  readonly relays: readonly IpAddress[];
  #told: WireAddresses;
  #pairs: readonly RelayAddressPair[];

  constructor(told: WireAddresses) {
    this.#told = told;
    this.#pairs = pairsOf(told);
    this.relays = this.#pairs.map(({ ip }) => ip);
    this.own = new HostAddresses({
      local: () => this.#told.local.map(read),
      relay: () => this.relays,
      shownFor: (ip) => this.shownFor(ip),
      external: () => this.#told.external.map(read),
      listeners: () => this.#told.listeners.map(readEndpoint),
      backends: () => this.#told.backends.map(readEndpoint),
    });
  }

  /** The relay addresses and what they are shown as, in the order of the rows. */
  get pairs(): readonly RelayAddressPair[] {
    return this.#pairs;
  }

  /** The address to show for a relay address. */
  shownFor(ip: IpAddress): IpAddress {
    return this.#pairs.find((pair) => pair.ip.equals(ip))?.shown ?? ip;
  }

  /** The number of that address: see {@link RelayAddressPair.known}. */
  markFor(ip: IpAddress): number {
    const pair = this.#pairs.find((one) => one.ip.equals(ip));
    return pair === undefined
      ? 0
      : Math.max(
          0,
          pair.known.findIndex((one) => one.equals(pair.shown)),
        );
  }

  /** From now on these hold; relayed addresses that are shown already stay. */
  update(told: WireAddresses): void {
    this.#told = told;
    this.#pairs = pairsOf(told);
    this.own.refresh();
  }
}

function pairsOf({ relays }: WireAddresses): RelayAddressPair[] {
  return relays.map(({ ip, shown, known }) => ({ ip: read(ip), shown: read(shown), known: known.map(read) }));
}

function readEndpoint({ ip, port }: WireEndpoint): TransportAddress {
  return new TransportAddress(read(ip), port);
}

function read(text: string): IpAddress {
  const ip = parseIp(text);
  if (ip === null) throw new TypeError(`main told ${text} as an address`);
  return ip;
}
