// The built-in list of peer addresses that are refused by default: the IANA special-purpose registries, and the
// cloud metadata services that lie outside of them. Data only.

/**
 * How firmly a range is closed. `H` hard: no allow rule opens it. `A` private networks: an operator of a LAN opens
 * them. `D` denied: may be opened.
 */
export type RangeClass = 'H' | 'A' | 'D';

/** One range of the built-in list. */
export interface DeniedRange {
  readonly cidr: string;
  readonly cls: RangeClass;
  /** A short constant name for logs and metrics. */
  readonly name: string;
}

/** Ordered: an address is named by its first match, so narrow ranges and hard ones come before what surrounds them. */
export const DEFAULT_DENY_LIST: readonly DeniedRange[] = [
  // 0.0.0.0 reaches loopback on Linux.
  { cidr: '0.0.0.0/8', cls: 'H', name: 'this-network' },
  { cidr: '127.0.0.0/8', cls: 'H', name: 'loopback' },
  // Cloud metadata at 169.254.169.254, 169.254.170.2 (ECS) and 169.254.0.23 (Tencent).
  { cidr: '169.254.0.0/16', cls: 'H', name: 'link-local' },
  { cidr: '224.0.0.0/4', cls: 'H', name: 'multicast' },
  { cidr: '255.255.255.255/32', cls: 'H', name: 'broadcast' },
  { cidr: '240.0.0.0/4', cls: 'H', name: 'reserved' },
  { cidr: '10.0.0.0/8', cls: 'A', name: 'private' },
  // Alibaba's metadata at 100.100.100.200.
  { cidr: '100.64.0.0/10', cls: 'A', name: 'carrier-grade-nat' },
  { cidr: '172.16.0.0/12', cls: 'A', name: 'private' },
  { cidr: '192.168.0.0/16', cls: 'A', name: 'private' },
  { cidr: '198.18.0.0/15', cls: 'A', name: 'benchmarking' },
  // Oracle's metadata at 192.0.0.192.
  { cidr: '192.0.0.0/24', cls: 'D', name: 'ietf-protocol' },
  { cidr: '192.0.2.0/24', cls: 'D', name: 'documentation' },
  { cidr: '192.31.196.0/24', cls: 'D', name: 'as112' },
  { cidr: '192.52.193.0/24', cls: 'D', name: 'amt' },
  { cidr: '192.88.99.0/24', cls: 'D', name: '6to4-anycast' },
  { cidr: '192.175.48.0/24', cls: 'D', name: 'as112' },
  { cidr: '198.51.100.0/24', cls: 'D', name: 'documentation' },
  { cidr: '203.0.113.0/24', cls: 'D', name: 'documentation' },
  { cidr: '168.63.129.16/32', cls: 'D', name: 'azure-wireserver' },

  { cidr: '::/128', cls: 'H', name: 'unspecified' },
  { cidr: '::1/128', cls: 'H', name: 'loopback' },
  { cidr: '::/96', cls: 'H', name: 'ipv4-compatible' },
  { cidr: '::ffff:0:0/96', cls: 'H', name: 'ipv4-mapped' },
  { cidr: '::ffff:0:0:0/96', cls: 'H', name: 'ipv4-translated' },
  // RFC 8656 §21.4: never Teredo nor 6to4.
  { cidr: '2001::/32', cls: 'H', name: 'teredo' },
  { cidr: '2002::/16', cls: 'H', name: '6to4' },
  { cidr: 'fe80::/10', cls: 'H', name: 'link-local' },
  { cidr: 'fec0::/10', cls: 'H', name: 'site-local' },
  { cidr: 'ff00::/8', cls: 'H', name: 'multicast' },
  // AWS and Google Cloud metadata at fd00:ec2::254 and fd20:ce::254.
  { cidr: 'fc00::/7', cls: 'A', name: 'unique-local' },
  { cidr: '64:ff9b::/96', cls: 'D', name: 'nat64' },
  { cidr: '64:ff9b:1::/48', cls: 'D', name: 'nat64' },
  { cidr: '100::/64', cls: 'D', name: 'discard-only' },
  { cidr: '100:0:0:1::/64', cls: 'D', name: 'dummy-prefix' },
  { cidr: '2001::/23', cls: 'D', name: 'ietf-protocol' },
  { cidr: '2001:db8::/32', cls: 'D', name: 'documentation' },
  { cidr: '2620:4f:8000::/48', cls: 'D', name: 'as112' },
  { cidr: '3fff::/20', cls: 'D', name: 'documentation' },
  { cidr: '5f00::/16', cls: 'D', name: 'srv6' },
];
