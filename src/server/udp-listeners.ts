// The UDP listening sockets: one for each literal local address that the configured hosts stand for, so that every
// answer leaves from the address that was asked (STUN-08) and the local address is part of the five-tuple. Scans the
// interfaces anew from time to time. Knows no plane: it is told how to open a socket.

import type { HostExpander } from '../net/interfaces.ts';
import type { IpAddress } from '../stun/ip-address.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import { codeOf, listenFault } from './listen-fault.ts';

/** An open UDP listening socket. */
export interface OpenListener {
  readonly local: TransportAddress;
  close(): void;
}

/** A configured address: a host that may be a wildcard, and a port. */
export interface UdpAddress {
  readonly host: string;
  readonly port: number;
}

/** What the listeners are made with. */
export interface UdpListenersOptions {
  readonly addresses: readonly UdpAddress[];
  readonly expander: HostExpander;
  /** Opens one socket; rejects with the system's error. */
  readonly open: (local: TransportAddress) => Promise<OpenListener>;
  /** Opens one as a trial, which nobody is told of; rejects likewise. */
  readonly probe: (local: TransportAddress) => Promise<OpenListener>;
  /** Takes one sentence for the log. */
  readonly report: (message: string) => void;
}

interface Entry {
  readonly wanted: UdpAddress;
  readonly listener: OpenListener;
  /** In how many scans on end its address was not there. */
  missed: number;
}

/**
 * Scans until a socket whose address is not there is closed: an hour's. An address that comes back before (R26: a link
 * that fails over, a DHCP client that starts again) finds its clients' allocations, of which none lives longer unrefreshed.
 */
export const SCANS_UNTIL_GONE = 360;

// A wildcard's address that has just vanished, or is not usable yet (IPv6 duplicate detection), is no fault.
const NOT_THERE = 'EADDRNOTAVAIL';

/** Opens, follows and closes the UDP listening sockets. */
export class UdpListeners {
  readonly #options: UdpListenersOptions;
  #entries: Entry[] = [];
  #closed = false;
  #scanning = false;

  constructor(options: UdpListenersOptions) {
    this.#options = options;
  }

  /** Where the server listens now. */
  get locals(): TransportAddress[] {
    return this.#entries.map(({ listener }) => listener.local);
  }

  /** Opens all sockets, or none. @throws ListenError that names the one that could not be opened */
  async open(): Promise<void> {
    try {
      for (const wanted of this.#options.addresses) await this.#openMissing(wanted);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Follows the interfaces: opens sockets for addresses that have come, closes those of addresses that have
   * been gone for {@link SCANS_UNTIL_GONE}.
   * Never rejects. Returns whether anything has changed.
   */
  async scan(): Promise<boolean> {
    if (this.#scanning || this.#closed) return false;
    this.#scanning = true;
    const before = this.locals.map((local) => local.text).join();
    try {
      await this.#closeVanished();
      for (const wanted of this.#options.addresses) {
        await this.#openMissing(wanted).catch((error: Error) => this.#options.report(error.message));
      }
    } catch (error) {
      // The system needs a descriptor to tell its addresses: without one, whatever is open stays.
      this.#options.report(`the addresses of this host cannot be read now: ${(error as Error).message}`);
    }
    this.#scanning = false;
    return this.locals.map((local) => local.text).join() !== before;
  }

  close(): void {
    this.#closed = true;
    for (const { listener } of this.#entries) listener.close();
    this.#entries = [];
  }

  // Port 0 of a wildcard means one free port for all of its addresses.
  async #openMissing(wanted: UdpAddress): Promise<void> {
    const isWildcard = this.#isWildcard(wanted.host);
    for (const ip of this.#options.expander.expand(wanted.host) ?? []) {
      const mine = this.#entries.filter((entry) => entry.wanted === wanted);
      if (mine.some(({ listener }) => listener.local.ip.equals(ip))) continue;
      const port = wanted.port === 0 ? (mine[0]?.listener.local.port ?? 0) : wanted.port;
      try {
        const listener = await this.#options.open(new TransportAddress(ip, port));
        if (this.#closed) listener.close();
        else this.#entries.push({ wanted, listener, missed: 0 });
      } catch (error) {
        if (!isWildcard || codeOf(error) !== NOT_THERE) throw listenFault('udp', ip.text, port, error);
        this.#options.report(`${ip.text} cannot be bound now; it is tried again at the next scan`);
      }
    }
  }

  // The system does not list the addresses of an interface that has lost its carrier, but keeps them: a cable that is
  // out for a moment must not end what clients hold.
  async #closeVanished(): Promise<void> {
    for (const entry of [...this.#entries]) {
      const isThere = !this.#isUnlisted(entry) || (await this.#canBind(entry.listener.local.ip));
      entry.missed = isThere ? 0 : entry.missed + 1;
      if (entry.missed < SCANS_UNTIL_GONE) continue;
      this.#entries = this.#entries.filter((one) => one !== entry);
      entry.listener.close();
    }
  }

  #isUnlisted({ wanted, listener }: Entry): boolean {
    if (!this.#isWildcard(wanted.host)) return false;
    const listed = this.#options.expander.expand(wanted.host) ?? [];
    return !listed.some((ip) => ip.equals(listener.local.ip));
  }

  async #canBind(ip: IpAddress): Promise<boolean> {
    try {
      const probe = await this.#options.probe(new TransportAddress(ip, 0));
      probe.close();
      return true;
    } catch (error) {
      return codeOf(error) !== NOT_THERE;
    }
  }

  #isWildcard(host: string): boolean {
    return host === '*' || host === '0.0.0.0' || host === '::' || host === '[::]';
  }
}
