// How many relay ports each address family has, and how many are free, in the words of metrics.

import type { PortRange } from '../config/address-values.ts';
import type { RelayPorts } from '../metrics/snapshot.ts';
import type { IpAddress, IpFamily } from '../stun/ip-address.ts';

const FAMILIES: readonly IpFamily[] = [4, 6];

/** Counts the ports of each family that is served. @param free of a family, over all its addresses */
export function countRelayPorts(
  addresses: readonly IpAddress[],
  { min, max }: PortRange,
  free: (family: IpFamily) => number,
): readonly RelayPorts[] {
  return FAMILIES.flatMap((family) => {
    const count = addresses.filter((ip) => ip.family === family).length;
    if (count === 0) return [];
    return { family: family === 4 ? 'ipv4' : 'ipv6', free: free(family), total: count * (max - min + 1) } as const;
  });
}
