// Which local addresses the generator's sockets take. Towards a server on 127.0.0.1 every client and every peer has an
// address of its own, as on the Internet: no port runs out, and none is one that the server relays from.

const CLIENT_NET = 1;
const PEER_NET = 2;
const HOSTS = 0x10000;

// Neighbours are in different networks of 256 addresses: turnd limits what it answers to unknown clients of one network.
/** Addresses in 127.1.0.0/16 and 127.2.0.0/16; none of its own choice where the server is elsewhere. */
export class SourceAddresses {
  readonly #loopback: boolean;
  readonly #first: number;

  /** @param seed makes generators that run side by side begin at different places */
  constructor(server: string, seed: number) {
    this.#loopback = server.startsWith('127.');
    this.#first = (seed * 257) % HOSTS;
  }

  /** The address of client `index`; null for whatever the kernel takes. */
  client(index: number): string | null {
    return this.#address(CLIENT_NET, index);
  }

  /** The address of its peer, likewise. */
  peer(index: number): string | null {
    return this.#address(PEER_NET, index);
  }

  #address(net: number, index: number): string | null {
    if (!this.#loopback) return null;
    const host = (this.#first + index) % HOSTS;
    return `127.${net}.${host & 0xff}.${host >>> 8}`;
  }
}
