// The five-tuples of one UDP listener: the endpoint with its address as dgram spells it, and the table of known ones.

import type { TransportAddress } from '../../stun/transport-address.ts';
import { ClientEndpoint } from '../../turn/client-endpoint.ts';
import type { ClientLink } from '../../turn/env.ts';
import { Transport } from '../../turn/transport.ts';

/** A UDP client. */
export class UdpEndpoint extends ClientEndpoint {
  /**
   * The client's address exactly as the socket reported it: what dgram sends to, without formatting it anew, and with
   * the zone of a link-local address and the ::ffff: of a dual-stack socket, which `source` does not have.
   */
  address = '';

  constructor(link: ClientLink, local: TransportAddress) {
    super(link, Transport.UDP, local);
  }

  override copy(): UdpEndpoint {
    const copy = new UdpEndpoint(this.link, this.local);
    copy.source.copyFrom(this.source);
    copy.address = this.address;
    return copy;
  }
}

/** Known endpoints by address and port: two levels, so that no `ip:port` string is built per datagram. */
export class EndpointTable {
  readonly #byAddress = new Map<string, Map<number, UdpEndpoint>>();
  /** The endpoint found last: media comes in bursts. */
  #last: UdpEndpoint | null = null;
  #count = 0;

  /** How many endpoints are known. */
  get size(): number {
    return this.#count;
  }

  /** All of them, as they are now. */
  list(): UdpEndpoint[] {
    return [...this.#byAddress.values()].flatMap((ports) => [...ports.values()]);
  }

  get(address: string, port: number): UdpEndpoint | null {
    const last = this.#last;
    if (last !== null && last.source.port === port && last.address === address) return last;
    const found = this.#byAddress.get(address)?.get(port) ?? null;
    if (found !== null) this.#last = found;
    return found;
  }

  add(endpoint: UdpEndpoint): void {
    let ports = this.#byAddress.get(endpoint.address);
    if (ports === undefined) {
      ports = new Map();
      this.#byAddress.set(endpoint.address, ports);
    }
    if (!ports.has(endpoint.source.port)) this.#count++;
    ports.set(endpoint.source.port, endpoint);
  }

  remove(endpoint: UdpEndpoint): void {
    this.#last = null;
    const ports = this.#byAddress.get(endpoint.address);
    if (ports === undefined || !ports.delete(endpoint.source.port)) return;
    this.#count--;
    if (ports.size === 0) this.#byAddress.delete(endpoint.address);
  }
}
