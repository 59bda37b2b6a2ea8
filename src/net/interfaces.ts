// The addresses of this host: what they are good for, which one relays by default, and what a wildcard host means.
// Knows nothing of listeners or allocations.

import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { AddressWords, IpAddress, type IpFamily, parseIp, readIpText } from '../stun/ip-address.ts';
import { PeerPolicy } from '../turn/peers/peer-policy.ts';

/** How far an address reaches. `unusable` are forms that no relay may have: multicast, 6to4, Teredo and their like. */
export type AddressScope = 'public' | 'private' | 'link-local' | 'loopback' | 'unusable';

/** An address of an interface of this host. */
export interface LocalAddress {
  readonly ip: IpAddress;
  readonly interfaceName: string;
  readonly scope: AddressScope;
}

/** What `os.networkInterfaces` returns. */
export type ReadInterfaces = () => Partial<Record<string, NetworkInterfaceInfo[]>>;

const registry = new PeerPolicy({ allow: [], deny: [], unsafeAllowLoopback: false });

/** The reach of an address by the special-purpose registries; the same list that decides about peers. */
export function scopeOf(ip: IpAddress): AddressScope {
  const rule = registry.check(ip);
  if (rule === null) return 'public';
  if (rule.name === 'loopback' || rule.name === 'link-local') return rule.name;
  return rule.cls === 'H' ? 'unusable' : 'private';
}

/** The addresses of all interfaces, each once, in the system's order. */
export function listLocalAddresses(read: ReadInterfaces = networkInterfaces): LocalAddress[] {
  const found: LocalAddress[] = [];
  for (const [interfaceName, infos] of Object.entries(read())) {
    for (const info of infos ?? []) {
      const ip = interfaceAddress(info.address);
      if (ip === null || found.some((other) => other.ip.equals(ip))) continue;
      found.push({ ip, interfaceName, scope: scopeOf(ip) });
    }
  }
  return found;
}

/** The relay addresses for `auto`, per family; null where the family has none. */
export interface RelayChoice {
  readonly ipv4: LocalAddress | null;
  readonly ipv6: LocalAddress | null;
}

/**
 * The first public address of each family, else the first private one; never a link-local one. Loopback is taken
 * only where the host has nothing else in either family: `scope` tells, so that the caller can say so.
 */
export function pickRelayAddresses(local: readonly LocalAddress[]): RelayChoice {
  const choice = { ipv4: firstOf(local, 4, ['public', 'private']), ipv6: firstOf(local, 6, ['public', 'private']) };
  if (choice.ipv4 !== null || choice.ipv6 !== null) return choice;
  return { ipv4: firstOf(local, 4, ['loopback']), ipv6: firstOf(local, 6, ['loopback']) };
}

/** What a listening host stands for, scanned anew at each call. */
export class HostExpander {
  readonly #read: ReadInterfaces;
  readonly #report: (message: string) => void;
  readonly #reported = new Set<IpFamily>();

  /** @param report takes one sentence for the log, once for each family that a wildcard names and the host lacks */
  constructor(report: (message: string) => void, read: ReadInterfaces = networkInterfaces) {
    this.#report = report;
    this.#read = read;
  }

  /**
   * The literal addresses of a host: `*` is every local address, `0.0.0.0` every IPv4 and `[::]` or `::` every IPv6
   * one. Link-local IPv6 addresses are left out: they need a zone. Null when the host is no address at all.
   */
  expand(host: string): IpAddress[] | null {
    if (host === '*') return [...this.#all(4), ...this.#all(6)];
    const ip = parseIp(host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host);
    if (ip === null) return null;
    return ip.sameWords(ip.family, 0, 0, 0, 0) ? this.#all(ip.family) : [ip];
  }

  #all(family: IpFamily): IpAddress[] {
    const local = listLocalAddresses(this.#read).filter(
      ({ ip, scope }) => ip.family === family && !needsZone(ip, scope),
    );
    if (local.length === 0 && !this.#reported.has(family)) {
      this.#reported.add(family);
      this.#report(`this host has no IPv${family} address; wildcard listeners serve the other family only`);
    }
    return local.map(({ ip }) => ip);
  }
}

function needsZone(ip: IpAddress, scope: AddressScope): boolean {
  return ip.family === 6 && scope === 'link-local';
}

function firstOf(local: readonly LocalAddress[], family: IpFamily, scopes: AddressScope[]): LocalAddress | null {
  for (const scope of scopes) {
    const found = local.find((address) => address.ip.family === family && address.scope === scope);
    if (found !== undefined) return found;
  }
  return null;
}

/** An interface's address; some systems write the zone of a link-local one behind it. */
function interfaceAddress(text: string): IpAddress | null {
  const words = new AddressWords();
  if (!readIpText(text, words)) return null;
  return new IpAddress(words.family === 4 ? 4 : 6, words.w0, words.w1, words.w2, words.w3);
}
