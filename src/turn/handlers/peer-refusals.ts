// How CreatePermission and ChannelBind refuse a peer: what the client is answered, what is counted, who is told.

import type { IpAddress } from '../../stun/ip-address.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import type { Allocation } from '../allocation.ts';
import { FORBIDDEN, INSUFFICIENT_CAPACITY, type Reject } from '../reply.ts';
import type { HandlerContext } from '../request.ts';
import { SCAN_RULE } from '../scan-brake.ts';

/** Whether the address has no live permission in the allocation: what the scan brake counts. */
export function isNewPeer(allocation: Allocation, peer: IpAddress, { env }: HandlerContext): boolean {
  return allocation.permissions.find(peer)?.isLive(env.clock.now()) !== true;
}

/**
 * Refuses a peer by the rule of a policy. It counts as a new peer, for a scan of what is closed is a scan too (S39); only
 * itself counts, not what was named beside it: the client will ask for that again.
 * @param peer port 0 where only the address was judged
 */
export function refuseByRule(
  allocation: Allocation,
  peer: TransportAddress,
  rule: string,
  context: HandlerContext,
): Reject {
  context.brake.take(allocation, 1);
  context.counters.peerDenied++;
  context.env.observer.peerDenied(allocation, peer.ip, peer.port, rule);
  return FORBIDDEN;
}

/**
 * Refuses a request that names new peers too fast, before any policy is asked: a scanner learns nothing about it and costs
 * next to nothing. Takes nothing, so whoever waits is served.
 */
export function refuseByBrake(allocation: Allocation, peer: TransportAddress, context: HandlerContext): Reject {
  context.counters.scanLimited++;
  context.env.observer.peerDenied(allocation, peer.ip, peer.port, SCAN_RULE);
  return INSUFFICIENT_CAPACITY;
}
