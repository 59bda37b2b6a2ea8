// The one check of a peer address, asked when a permission is installed: no data flows either way without one. Pure; it
// knows nothing of ports, allocations or which addresses this server has.

import { type IpAddress, unmapped } from '../../stun/ip-address.ts';
import { embeddedIpv4 } from './canonical.ts';
import { Cidr, PrefixTable, parseCidr } from './cidr.ts';
import { DEFAULT_DENY_LIST, type RangeClass } from './deny-list.ts';

/** Why a peer address is refused. */
export interface PeerRule {
  /** A short name for logs and metrics: of a built-in range, or `deny` and the range that the operator wrote. */
  readonly name: string;
  /** The class of the built-in range; `U` for the operator's own list. */
  readonly cls: RangeClass | 'U';
}

/** What the operator adds to the built-in deny list. */
export interface PeerPolicyOptions {
  /** Opens ranges of the classes A and D for exactly these addresses; never opens class H. */
  readonly allow: readonly Cidr[];
  /** Closes addresses, whatever else is said. */
  readonly deny: readonly Cidr[];
  /** Opens 127.0.0.0/8, its mapped form, and ::1. For tests and labs: peers then reach every local service. */
  readonly unsafeAllowLoopback: boolean;
}

/**
 * Says which peer addresses clients may reach. An IPv6 address that stands for IPv4 hosts must pass as itself and as
 * each of those hosts, so no spelling opens what another one closes (TURN-101). Does not allocate for an IPv4
 * address or an ordinary IPv6 address.
 */
export class PeerPolicy {
  private readonly builtIn: PrefixTable<PeerRule>;
  private readonly allow: PrefixTable<true>;
  /** What `allow` names as single addresses. */
  private readonly hosts: PrefixTable<true>;
  private readonly deny: PrefixTable<PeerRule>;
  private readonly unsafeAllowLoopback: boolean;

  constructor(options: PeerPolicyOptions) {
    this.builtIn = new PrefixTable(DEFAULT_DENY_LIST.map((rule) => ({ cidr: constantCidr(rule.cidr), value: rule })));
    this.allow = new PrefixTable(options.allow.map((cidr) => ({ cidr, value: true })));
    const single = options.allow.filter(({ base, length }) => length === (base.family === 4 ? 32 : 128));
    this.hosts = new PrefixTable(single.map((cidr) => ({ cidr, value: true })));
    this.deny = new PrefixTable(options.deny.map((cidr) => ({ cidr, value: { name: `deny ${cidr}`, cls: 'U' } })));
    this.unsafeAllowLoopback = options.unsafeAllowLoopback;
  }

  /** The rule that refuses this peer address, or null when clients may reach it. */
  check(ip: IpAddress): PeerRule | null {
    return this.judge(ip, false);
  }

  /**
   * {@link check} for an address that this server shows as a relayed address: another client's relay is a rightful
   * peer even where the relay itself has a private address. Class H and the operator's list still hold.
   */
  checkShown(ip: IpAddress): PeerRule | null {
    return this.judge(ip, true);
  }

  /**
   * Whether the operator has opened this very address: by an `allow` of it alone, or by the loopback flag. A network
   * that happens to hold one of this host's addresses does not open the services that listen there (S35).
   */
  isOpened(ip: IpAddress): boolean {
    if (this.deny.find(ip) !== null) return false;
    return this.hosts.find(ip) !== null || (this.unsafeAllowLoopback && isLoopback(unmapped(ip)));
  }

  private judge(ip: IpAddress, shown: boolean): PeerRule | null {
    const embedded = embeddedIpv4(ip);
    const configured = this.deniedByOperator(ip, embedded);
    if (configured !== null) return configured;
    if (this.unsafeAllowLoopback && isLoopback(unmapped(ip))) return null;
    const own = this.deniedByDefault(ip, shown);
    if (own !== null) return own;
    for (let index = 0; index < embedded.length; index++) {
      const rule = this.deniedByDefault(embedded[index]!, shown);
      if (rule !== null) return rule;
    }
    return null;
  }

  private deniedByOperator(ip: IpAddress, embedded: readonly IpAddress[]): PeerRule | null {
    const own = this.deny.find(ip);
    if (own !== null) return own;
    for (let index = 0; index < embedded.length; index++) {
      const rule = this.deny.find(embedded[index]!);
      if (rule !== null) return rule;
    }
    return null;
  }

  private deniedByDefault(ip: IpAddress, shown: boolean): PeerRule | null {
    const rule = this.builtIn.find(ip);
    if (rule === null || rule.cls === 'H') return rule;
    return shown || this.allow.find(ip) !== null ? null : rule;
  }
}

function isLoopback(ip: IpAddress): boolean {
  if (ip.family === 4) return ip.w3 >>> 24 === 127;
  return ip.w0 === 0 && ip.w1 === 0 && ip.w2 === 0 && ip.w3 === 1;
}

function constantCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr instanceof Cidr) return cidr;
  throw new TypeError(cidr.error);
}
