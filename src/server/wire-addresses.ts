// The addresses of the host and the server as main tells them to its workers, and as what each relay address has been shown
// so far. Knows neither workers nor messages.

import type { BackendAddresses } from '../net/backend-addresses.ts';
import { listLocalAddresses } from '../net/interfaces.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { WireAddresses, WireEndpoint } from '../workers/messages.ts';
import type { RelaySetup } from './relay-setup.ts';

/** A byte of the port table says which: see `PortTable.mark`. */
const MOST_KNOWN = 256;

/** Where they are read. */
export interface AddressSources {
  readonly relay: Pick<RelaySetup, 'addresses' | 'external'>;
  readonly backends: Pick<BackendAddresses, 'addresses'>;
  readonly listeners: () => readonly TransportAddress[];
}

/** What workers are told. */
export class AddressTeller {
  readonly #sources: AddressSources;
  readonly #shown = new ShownHistory();
  #local: readonly string[] | null = null;
  /** What all workers have been told last, as JSON. */
  #told = '';

  constructor(sources: AddressSources) {
    this.#sources = sources;
  }

  /** As they are now. */
  read(): WireAddresses {
    const { relay, backends, listeners } = this.#sources;
    const { addresses, external } = relay;
    return {
      local: this.#readLocal(),
      relays: addresses.map((ip) => this.#shown.note(ip.text, external.current(ip).text)),
      external: external.all().map(({ text }) => text),
      listeners: listeners().map(wireEndpoint),
      backends: backends.addresses.map(wireEndpoint),
    };
  }

  /** As they are now, if all workers have to be told: they were told otherwise by the last call. */
  readChanged(): WireAddresses | null {
    const now = this.read();
    const text = JSON.stringify(now);
    if (text === this.#told) return null;
    this.#told = text;
    return now;
  }

  // The system needs a descriptor to tell its addresses: without one, those read last still count.
  #readLocal(): readonly string[] {
    try {
      this.#local = listLocalAddresses().map(({ ip }) => ip.text);
    } catch (error) {
      if (this.#local === null) throw error;
    }
    return this.#local;
  }
}

/** All that relay addresses have been shown as: a place in a list moves for nobody. */
export class ShownHistory {
  readonly #known = new Map<string, { readonly list: string[]; next: number }>();

  /** The address `ip` is shown as `shown` now. */
  note(ip: string, shown: string): WireAddresses['relays'][number] {
    const known = this.#known.get(ip) ?? { list: [], next: 0 };
    this.#known.set(ip, known);
    if (!known.list.includes(shown)) {
      // The oldest gives way: its allocations have ended long ago.
      known.list[known.next] = shown;
      known.next = (known.next + 1) % MOST_KNOWN;
    }
    return { ip, shown, known: [...known.list] };
  }
}

function wireEndpoint({ ip, port }: TransportAddress): WireEndpoint {
  return { ip: ip.text, port };
}
