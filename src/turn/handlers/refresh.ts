// Refresh (RFC 8656 §8.2): extends or deletes an allocation, or one relayed address of a dual one.

import { Attribute } from '../../stun/attributes.ts';
import { ABSENT } from '../../stun/message-view.ts';
import { FAMILY_CODE_IPV4, FAMILY_CODE_IPV6, MALFORMED, readAddressFamily, readLifetime } from '../../stun/readers.ts';
import type { Allocation, Relay } from '../allocation.ts';
import { ReleaseReason } from '../env.ts';
import { grantedLifetime } from '../lifetime.ts';
import { BAD_REQUEST, PEER_ADDRESS_FAMILY_MISMATCH, type Reply, success } from '../reply.ts';
import type { AllocationRequest, HandlerContext } from '../request.ts';

/** Answers a Refresh request. */
export function handleRefresh(request: AllocationRequest, context: HandlerContext): Reply {
  const { allocation, message } = request;
  const requested = readLifetime(message);
  const family = readAddressFamily(message, Attribute.REQUESTED_ADDRESS_FAMILY);
  if (requested === MALFORMED || family === MALFORMED) return BAD_REQUEST;
  const relays = relaysOf(allocation, family);
  if (relays.length === 0) return PEER_ADDRESS_FAMILY_MISMATCH;
  if (requested === 0) {
    context.allocations.closeRelays(allocation, relays, ReleaseReason.DELETED);
    return success([{ type: Attribute.LIFETIME, seconds: 0 }]);
  }
  // Not 0: an allocation that has no second left was ended before this request was looked at.
  const seconds = Math.min(grantedLifetime(requested, context.settings), context.bounds.secondsLeft(allocation));
  context.allocations.refresh(allocation, relays, seconds);
  return success([{ type: Attribute.LIFETIME, seconds }]);
}

// REQUESTED-ADDRESS-FAMILY picks one of two relayed addresses; without it, all are meant (RFC 8656 §8.1).
function relaysOf(allocation: Allocation, family: number): Relay[] {
  if (family === ABSENT) return allocation.relays();
  const relay = family === FAMILY_CODE_IPV4 ? allocation.ipv4 : family === FAMILY_CODE_IPV6 ? allocation.ipv6 : null;
  return relay === null ? [] : [relay];
}
