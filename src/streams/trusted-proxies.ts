// Who may say by a PROXY header whose a connection is. Knows no headers.

import type { TransportWords } from '../stun/transport-address.ts';
import { Cidr, PrefixTable, parseCidr } from '../turn/peers/cidr.ts';

/** Networks of proxies. Immutable. */
export class TrustedProxies {
  readonly #networks: PrefixTable<true>;

  /** @param networks CIDR texts. @throws TypeError for what is none: the schema has judged them */
  constructor(networks: readonly string[]) {
    this.#networks = new PrefixTable(networks.map((text) => ({ cidr: read(text), value: true as const })));
  }

  /** Whether an address is one of theirs. */
  has(source: TransportWords): boolean {
    return this.#networks.find(source.copyAddress().ip) === true;
  }
}

function read(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr instanceof Cidr) return cidr;
  throw new TypeError(cidr.error);
}
