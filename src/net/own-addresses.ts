// Which addresses are this host's own, which of them the server shows as relayed, where its listeners are and the hosts
// that it talks to.
// Only looked up here; what follows for a peer is the engine's business (RFC 8656 §21.1.7, S33-S35).

import { hashWords, IpAddress } from '../stun/ip-address.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import type { OwnAddresses } from '../turn/env.ts';

/** As a listener on it: at every own address of both families. */
const EVERYWHERE = new IpAddress(6, 0, 0, 0, 0);

/** An address by its words: an `IpAddress`, or a scratch of the packet path. */
interface AddressLike {
  readonly family: number;
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
}

/** Where the current addresses come from; read at each {@link HostAddresses.refresh}. */
export interface HostAddressSources {
  /** The addresses of all interfaces. May throw (no descriptor is left): then those read last still count. */
  readonly local: () => readonly IpAddress[];
  /** The addresses that relay sockets are bound to. */
  readonly relay: () => readonly IpAddress[];
  /** The address shown for a relay address. */
  readonly shownFor: (relay: IpAddress) => IpAddress;
  /** External addresses beside those shown: of other interfaces, or shown until lately. */
  readonly external: () => readonly IpAddress[];
  /** The server's own listeners. One on 0.0.0.0 counts for every own IPv4 address, one on [::] for every own one. */
  readonly listeners: () => readonly TransportAddress[];
  /** What the server itself talks to: databases and the like. */
  readonly backends: () => readonly TransportAddress[];
}

/** The engine's view of this host. Look-ups allocate nothing. */
export class HostAddresses implements OwnAddresses {
  readonly #sources: HostAddressSources;
  #local: readonly IpAddress[];
  #own = new AddressSet();
  #shown = new AddressSet();
  #backends = new AddressSet();
  #listeners = new Map<number, AddressSet>();

  /** @throws what reading the interfaces throws; no refresh does */
  constructor(sources: HostAddressSources) {
    this.#sources = sources;
    this.#local = sources.local();
    this.refresh();
  }

  /** Reads the sources again: after a reload, a scan of the interfaces, or a change of the external address. */
  refresh(): void {
    const { relay, shownFor, external, listeners, backends } = this.#sources;
    this.#local = this.#readLocal();
    const relays = relay();
    const shown = relays.map(shownFor);
    const endpoints = listeners();
    this.#shown = new AddressSet(shown);
    this.#own = new AddressSet([...this.#local, ...relays, ...shown, ...external(), ...endpoints.map(({ ip }) => ip)]);
    this.#backends = new AddressSet(backends().map(({ ip }) => ip));
    // A database on this very host may listen on all of its addresses, however it is called by the configuration.
    const within = backends().flatMap(({ ip, port }) => (this.isOwn(ip) ? new TransportAddress(EVERYWHERE, port) : []));
    // A NAT that forwards the listeners' ports leads from each external address back to them.
    this.#listeners = byPort(
      [...endpoints, ...within],
      [...shown.filter((ip) => !relays.some((one) => one.equals(ip))), ...external()],
    );
  }

  #readLocal(): readonly IpAddress[] {
    try {
      return this.#sources.local();
    } catch {
      return this.#local;
    }
  }

  /** Whether the address is one of this host. All of 127.0.0.0/8 is, and what 0.0.0.0 and :: stand for. */
  isOwn(ip: AddressLike): boolean {
    if (ip.family === 4 && ip.w3 >>> 24 === 127) return true;
    return isUnspecified(ip) || this.#own.has(ip);
  }

  /** Whether the server shows this address in XOR-RELAYED-ADDRESS. */
  isShown(ip: AddressLike): boolean {
    return this.#shown.has(ip);
  }

  /** Whether the server itself talks to a service at this address. */
  isBackend(ip: AddressLike): boolean {
    return this.#backends.has(ip);
  }

  /** Whether one of the server's own listeners, or a backend on this very host, is at this transport address. */
  isListener(ip: AddressLike, port: number): boolean {
    const hosts = this.#listeners.get(port);
    if (hosts === undefined) return false;
    if (hosts.has(ip)) return true;
    return (hosts.anyIpv6 || (hosts.anyIpv4 && ip.family === 4)) && this.isOwn(ip);
  }
}

/** Addresses, found by their words. Immutable. */
class AddressSet {
  /** Whether the unspecified address is among them. */
  readonly anyIpv4: boolean;
  readonly anyIpv6: boolean;
  readonly #byHash = new Map<number, IpAddress[]>();

  constructor(ips: readonly IpAddress[] = []) {
    for (const ip of ips) this.#add(ip);
    this.anyIpv4 = ips.some((ip) => ip.family === 4 && isUnspecified(ip));
    this.anyIpv6 = ips.some((ip) => ip.family === 6 && isUnspecified(ip));
  }

  has(ip: AddressLike): boolean {
    const bucket = this.#byHash.get(hashWords(ip.w0, ip.w1, ip.w2, ip.w3));
    if (bucket === undefined) return false;
    for (let index = 0; index < bucket.length; index++) {
      if (bucket[index]!.sameWords(ip.family, ip.w0, ip.w1, ip.w2, ip.w3)) return true;
    }
    return false;
  }

  #add(ip: IpAddress): void {
    const hash = hashWords(ip.w0, ip.w1, ip.w2, ip.w3);
    this.#byHash.set(hash, [...(this.#byHash.get(hash) ?? []), ip]);
  }
}

function isUnspecified(ip: AddressLike): boolean {
  return ip.w3 === 0 && ip.w2 === 0 && ip.w1 === 0 && ip.w0 === 0;
}

function byPort(endpoints: readonly TransportAddress[], everywhere: readonly IpAddress[]): Map<number, AddressSet> {
  const ports = new Set(endpoints.map(({ port }) => port));
  const hostsOf = (port: number) => endpoints.filter((one) => one.port === port).map(({ ip }) => ip);
  return new Map([...ports].map((port) => [port, new AddressSet([...hostsOf(port), ...everywhere])]));
}
