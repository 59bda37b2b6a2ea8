// Which realms are served beside the default one, by which ORIGIN, and whom their clients may reach: as a store and the
// configuration say, in a form that crosses from main to its workers. Replaced as a whole; knows neither.

import type { IpAddress } from '../stun/ip-address.ts';
import type { PeerAddressPolicy, Realms } from '../turn/env.ts';
import { Cidr, parseCidr } from '../turn/peers/cidr.ts';
import { PeerPolicy, type PeerPolicyOptions, type PeerRule } from '../turn/peers/peer-policy.ts';
import { canonicalOrigin } from './origin.ts';

/** What is said of the peers of one realm, as prefixes in text. `deny` is stronger. */
export interface RealmPeers {
  /** Empty: of clients whose realm has no entry of its own, or who have none. */
  readonly realm: string;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** The realms of a store, as plain data. */
export interface RealmTableData {
  readonly realms: readonly string[];
  readonly origins: readonly { readonly origin: string; readonly realm: string }[];
  readonly peers: readonly RealmPeers[];
  /** What each allocation of a realm may relay each way; 0 = no limit. Realms that are absent have none of their own. */
  readonly rates: readonly { readonly realm: string; readonly bytesPerSecond: number }[];
}

/** What the configuration says of peers. */
export interface ConfiguredPeers extends PeerPolicyOptions {
  /** For single realms, beside the rest. */
  readonly realms: readonly RealmPeers[];
}

/** Nothing but the default realm. */
export const NO_REALMS: RealmTableData = Object.freeze({ realms: [], origins: [], peers: [], rates: [] });

/** The realms that are served, and the peers that their clients may reach. */
export class RealmTable implements Realms, PeerAddressPolicy {
  #base: ConfiguredPeers;
  #realms: ReadonlySet<string> = new Set();
  #origins: ReadonlyMap<string, string> = new Map();
  /** By realm; a realm without an entry has the common one. */
  #policies: ReadonlyMap<string, PeerPolicy> = new Map();
  #rates: ReadonlyMap<string, number> = new Map();
  #common: PeerPolicy;
  #configured: PeerPolicy;

  /** @param base what the configuration says of peers */
  constructor(base: ConfiguredPeers) {
    this.#base = base;
    this.#configured = new PeerPolicy(base);
    this.#common = this.#configured;
    this.update(NO_REALMS);
  }

  /**
   * Serves these from now on. Permissions that exist are judged again when they are refreshed (RFC 8656 §9).
   * @param base what the configuration says of peers
   */
  update({ realms, origins, peers, rates }: RealmTableData, base: ConfiguredPeers = this.#base): void {
    this.#base = base;
    this.#configured = new PeerPolicy(base);
    const names = new Set([...peers, ...base.realms].map(({ realm }) => realm));
    this.#policies = new Map([...names].map((realm) => [realm, this.#policyOf(realm, peers)]));
    this.#common = this.#policies.get('') ?? this.#configured;
    this.#realms = new Set([...realms, ...origins.map(({ realm }) => realm)]);
    this.#rates = new Map(rates.map((each) => [each.realm, each.bytesPerSecond]));
    this.#origins = new Map(origins.map(({ origin, realm }) => [canonicalOrigin(origin), realm]));
  }

  get isEmpty(): boolean {
    return this.#realms.size === 0;
  }

  serves(realm: string): boolean {
    return this.#realms.has(realm);
  }

  ofOrigin(origin: string): string | null {
    return this.#origins.size === 0 ? null : (this.#origins.get(canonicalOrigin(origin)) ?? null);
  }

  bytesPerSecond(realm: string): number | null {
    return this.#rates.get(realm) ?? null;
  }

  check(ip: IpAddress, realm: string): PeerRule | null {
    return this.#of(realm).check(ip);
  }

  checkShown(ip: IpAddress, realm: string): PeerRule | null {
    return this.#of(realm).checkShown(ip);
  }

  /** Services of this host are opened by the configuration alone: no realm's clients have a right to them. */
  isOpened(ip: IpAddress): boolean {
    return this.#configured.isOpened(ip);
  }

  #of(realm: string): PeerPolicy {
    return this.#policies.get(realm) ?? this.#common;
  }

  // Denials of all sources come before what any of them allows. What a store says of all realms it says of each that it names.
  #policyOf(realm: string, stored: readonly RealmPeers[]): PeerPolicy {
    const { allow, deny, realms, unsafeAllowLoopback } = this.#base;
    const ofStore = stored.find((each) => each.realm === realm) ?? stored.find((each) => each.realm === '');
    const own = [realms.find((each) => each.realm === realm), ofStore].flatMap((each) => each ?? []);
    return new PeerPolicy({
      allow: [...allow, ...own.flatMap((each) => each.allow.map(network))],
      deny: [...deny, ...own.flatMap((each) => each.deny.map(network))],
      unsafeAllowLoopback,
    });
  }
}

/** The network that a text stands for whose form has been checked. */
export function network(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr instanceof Cidr) return cidr;
  throw new TypeError(`${text} passed as a network: please report this`);
}
