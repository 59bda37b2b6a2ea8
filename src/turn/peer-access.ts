// The one check of peers, used by every entry point: CreatePermission, ChannelBind, Send, ChannelData (and Connect).
// Addresses are judged by the policy; the host's own addresses by what listens there (a permission names an IP only, so
// they are judged again, with the port, for each datagram).

import type { IpAddress } from '../stun/ip-address.ts';
import type { Relay } from './allocation.ts';
import type { OwnAddresses, PeerAddressPolicy, RelayNeighbours } from './env.ts';
import { embeddedIpv4 } from './peers/canonical.ts';
import type { RelayRegistry } from './relay-registry.ts';

/** The rule that refuses whatever of this host is not a live relayed address. */
export const OWN_ADDRESS_RULE = 'own address';

/** The rule that refuses the hosts which this server is configured to talk to, whatever is allowed (S36). */
export const BACKEND_RULE = 'configured host';

/** Judges peers. */
export class PeerAccess {
  readonly #policy: PeerAddressPolicy;
  readonly #own: OwnAddresses;
  readonly #registry: RelayRegistry;
  readonly #neighbours: RelayNeighbours | null;

  constructor(
    policy: PeerAddressPolicy,
    own: OwnAddresses,
    registry: RelayRegistry,
    neighbours: RelayNeighbours | null,
  ) {
    this.#policy = policy;
    this.#own = own;
    this.#registry = registry;
    this.#neighbours = neighbours;
  }

  /** Whether the address is one of this host's own, or was when a relay that still lives was made. */
  isOwn(ip: IpAddress): boolean {
    return this.#own.isOwn(ip) || this.#registry.shows(ip);
  }

  /**
   * Judges a peer by its address, as a permission does: the name of the rule that refuses it, or null. An address
   * that this server shows to its clients is another client's relayed address, whatever range it lies in.
   * @param realm of the client; empty where it has none
   */
  judgeAddress(ip: IpAddress, realm: string): string | null {
    const isShown = this.#own.isShown(ip) || this.#registry.shows(ip);
    const rule = isShown ? this.#policy.checkShown(ip, realm) : this.#policy.check(ip, realm);
    if (rule !== null) return rule.name;
    return this.#judgeHost(ip) ?? this.#judgeEmbedded(ip);
  }

  // An own address is judged by its port: clients of this server reach each other where its database runs too.
  #judgeHost(ip: IpAddress): string | null {
    return this.#own.isBackend(ip) && !this.isOwn(ip) ? BACKEND_RULE : null;
  }

  // What a translator or tunnel turns into an own IPv4 address, or a backend's, leads there past any look at the port.
  #judgeEmbedded(ip: IpAddress): string | null {
    for (const inner of embeddedIpv4(ip)) {
      if (this.#own.isBackend(inner)) return BACKEND_RULE;
      if (this.isOwn(inner) && !this.#policy.isOpened(ip)) return OWN_ADDRESS_RULE;
    }
    return null;
  }

  /** Judges a peer by address and port, as a channel does. */
  judge(ip: IpAddress, port: number, realm: string): string | null {
    const rule = this.judgeAddress(ip, realm);
    if (rule !== null || !this.isOwn(ip)) return rule;
    const isRelay = this.liveRelay(ip, port) !== null || this.neighbourAt(ip, port) !== null;
    return isRelay || this.mayLeave(ip, port) ? null : OWN_ADDRESS_RULE;
  }

  /** Where to send what is meant for the live relay of another process at that address; null if there is none. */
  neighbourAt(ip: IpAddress, port: number): IpAddress | null {
    return this.#neighbours === null ? null : this.#neighbours.privateOf(ip, port);
  }

  /** The live relay of this process at that address, or null. */
  liveRelay(ip: IpAddress, port: number): Relay | null {
    return this.#registry.find(ip, port);
  }

  /**
   * Whether a datagram to an own address that is no live relay may be sent at all: only to an address that the operator
   * opened by name, and never to one of the server's own listeners (RFC 8656 §21.1.7).
   */
  mayLeave(ip: IpAddress, port: number): boolean {
    return this.#policy.isOpened(ip) && !this.#own.isListener(ip, port);
  }
}
