// The UDP listening sockets: one for each literal local address that the configured hosts stand for, so that every
// answer leaves from the address that was asked (STUN-08) and the local address is part of the five-tuple. Scans the
// interfaces anew from time to time. Knows no plane: it is told how to open a socket.

import type { HostExpander } from '../net/interfaces.ts';
import type { IpAddress } from '../stun/ip-address.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import { codeOf, listenFault } from './listen-fault.ts';
import type { PendingListeners } from './pending-listeners.ts';

/** An open UDP listening socket. */
export interface OpenListener {
  readonly local: TransportAddress;
  /** Serves nobody new, and closes when its last client has gone. */
  retire(): void;
  /** Takes that back. @returns false where it has closed since */
  revive(): boolean;
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
  readonly probe: (local: TransportAddress) => Promise<Pick<OpenListener, 'close'>>;
  /** Takes one sentence for the log. */
  readonly report: (message: string) => void;
}

/** Those of a configuration that are for UDP. */
export function udpAddresses(listen: readonly (UdpAddress & { readonly transport: string })[]): readonly UdpAddress[] {
  return listen.filter(({ transport }) => transport === 'udp');
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
  #addresses: readonly UdpAddress[];
  #entries: Entry[] = [];
  /** Those that serve nobody new. Some may have closed. */
  #retired: readonly OpenListener[] = [];
  #isOpen = false;
  #closed = false;
  #scanning = false;

  constructor(options: UdpListenersOptions) {
    this.#options = options;
    this.#addresses = options.addresses;
  }

  /** Where the server listens now. */
  get locals(): TransportAddress[] {
    return this.#entries.map(({ listener }) => listener.local);
  }

  /** Opens all sockets, or none. @throws ListenError that names the one that could not be opened */
  async open(): Promise<void> {
    try {
      for (const wanted of this.#addresses) await this.#openMissing(wanted);
      this.#isOpen = true;
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
      for (const wanted of this.#addresses) {
        await this.#openMissing(wanted).catch((error: Error) => this.#options.report(error.message));
      }
    } catch (error) {
      // The system needs a descriptor to tell its addresses: without one, whatever is open stays.
      this.#options.report(`the addresses of this host cannot be read now: ${(error as Error).message}`);
    }
    this.#scanning = false;
    return this.locals.map((local) => local.text).join() !== before;
  }

  /** Opens what of these is not open yet, or nothing. @throws ListenError that names the one that could not be opened */
  async prepare(addresses: readonly UdpAddress[]): Promise<PendingListeners> {
    const fresh: Entry[] = [];
    const cancel = (): void => fresh.forEach(({ listener }) => void listener.retire());
    try {
      for (const wanted of addresses) await this.#openMissing(wanted, fresh);
    } catch (error) {
      cancel();
      throw error;
    }
    return { cancel, commit: () => this.#commit(addresses, fresh) };
  }

  close(): void {
    this.#closed = true;
    for (const listener of [...this.#entries.map((entry) => entry.listener), ...this.#retired]) listener.close();
    this.#entries = [];
    this.#retired = [];
  }

  // What clients hold on the others goes on: their sockets close with the last allocation.
  #commit(addresses: readonly UdpAddress[], fresh: readonly Entry[]): void {
    const all = [...this.#entries, ...fresh];
    const kept = all.flatMap((entry) => {
      const wanted = addresses.find((address) => this.#isAt(entry, address));
      return wanted === undefined ? [] : { ...entry, wanted };
    });
    const unwanted = all
      .map(({ listener }) => listener)
      .filter((one) => !kept.some(({ listener }) => listener === one));
    for (const listener of unwanted) listener.retire();
    this.#addresses = addresses;
    this.#entries = kept;
    // One for each address: an older one is closed, or it would not be open again.
    const isOlder = ({ local }: OpenListener): boolean =>
      all.some(({ listener }) => listener.local.text === local.text);
    this.#retired = [...this.#retired.filter((one) => !isOlder(one)), ...unwanted];
  }

  // Whether a socket serves an address: it was opened for the same words, or is one of those that they stand for.
  #isAt({ wanted, listener: { local } }: Entry, address: UdpAddress): boolean {
    if (wanted.host === address.host && wanted.port === address.port) return true;
    const hosts = this.#options.expander.expand(address.host) ?? [];
    return local.port === address.port && hosts.some((ip) => ip.equals(local.ip));
  }

  // Port 0 of a wildcard means one free port for all of its addresses.
  async #openMissing(wanted: UdpAddress, fresh: Entry[] | null = null): Promise<void> {
    const isWildcard = this.#isWildcard(wanted.host);
    for (const ip of this.#options.expander.expand(wanted.host) ?? []) {
      // At the start each address has a socket of its own, be they equal: several may leave the port to the system.
      const isMine = (entry: Entry): boolean => entry.wanted === wanted || (this.#isOpen && this.#isAt(entry, wanted));
      const mine = [...this.#entries, ...(fresh ?? [])].filter(isMine);
      if (mine.some(({ listener }) => listener.local.ip.equals(ip))) continue;
      const port = wanted.port === 0 ? (mine[0]?.listener.local.port ?? 0) : wanted.port;
      try {
        const listener = this.#revived(ip, port) ?? (await this.#options.open(new TransportAddress(ip, port)));
        // Meanwhile a scan's address may have become unwanted.
        const isUnwanted = fresh === null && !this.#addresses.includes(wanted);
        if (this.#closed) listener.close();
        else if (isUnwanted) listener.retire();
        else (fresh ?? this.#entries).push({ wanted, listener, missed: 0 });
      } catch (error) {
        if (!isWildcard || codeOf(error) !== NOT_THERE) throw listenFault('udp', ip.text, port, error);
        this.#options.report(`${ip.text} cannot be bound now; it is tried again at the next scan`);
      }
    }
  }

  #revived(ip: IpAddress, port: number): OpenListener | null {
    const listener = this.#retired.find(({ local }) => local.ip.equals(ip) && local.port === port);
    return listener?.revive() === true ? listener : null;
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
