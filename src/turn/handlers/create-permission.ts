// CreatePermission (RFC 8656 §10.2): lets peers at some addresses send to the relayed address. All or nothing.

import { Attribute } from '../../stun/attributes.ts';
import type { IpAddress } from '../../stun/ip-address.ts';
import { ABSENT } from '../../stun/message-view.ts';
import { readXorAddress } from '../../stun/readers.ts';
import { TransportAddress, TransportWords } from '../../stun/transport-address.ts';
import type { Allocation } from '../allocation.ts';
import {
  BAD_REQUEST,
  INSUFFICIENT_CAPACITY,
  PEER_ADDRESS_FAMILY_MISMATCH,
  type Reject,
  type Reply,
  success,
} from '../reply.ts';
import type { AllocationRequest, HandlerContext } from '../request.ts';
import { isNewPeer, refuseByBrake, refuseByRule } from './peer-refusals.ts';

/** Answers a CreatePermission request. */
export function handleCreatePermission(request: AllocationRequest, context: HandlerContext): Reply {
  const { allocation } = request;
  const limit = context.limits().permissionsPerAllocation;
  const peers = readPeers(request, limit);
  if (peers === null || peers.length === 0) return BAD_REQUEST;
  if (peers.some(({ family }) => allocation.relay(family) === null)) return PEER_ADDRESS_FAMILY_MISMATCH;
  // What has expired takes up no room, though no sweep may have come by yet.
  if (allocation.permissions.size + peers.length > limit) context.allocations.forgetExpired(allocation);
  const added = peers.filter((peer) => isNewPeer(allocation, peer, context));
  const refusal = checkRate(allocation, added, context) ?? checkPeers(allocation, peers, context);
  if (refusal !== null) return refusal;
  context.brake.take(allocation, added.length);
  for (const peer of peers) context.allocations.installPermission(allocation, peer);
  return success([]);
}

// The distinct addresses of every XOR-PEER-ADDRESS, ports ignored; null if one is malformed. One more than `limit` is
// enough to refuse the request.
function readPeers({ message, allocation }: AllocationRequest, limit: number): IpAddress[] | null {
  const words = new TransportWords();
  const byHash = new Map<number, IpAddress[]>();
  const peers: IpAddress[] = [];
  let at = message.find(Attribute.XOR_PEER_ADDRESS);
  for (; at !== ABSENT && peers.length <= limit; at = message.findNext(Attribute.XOR_PEER_ADDRESS, at)) {
    if (!readXorAddress(message, at, words)) return null;
    const { ip } = words.copyAddress();
    const hash = allocation.permissions.hashOf(ip);
    const same = byHash.get(hash) ?? [];
    if (same.some((other) => other.equals(ip))) continue;
    same.push(ip);
    byHash.set(hash, same);
    peers.push(ip);
  }
  return peers;
}

function checkRate(allocation: Allocation, added: readonly IpAddress[], context: HandlerContext): Reject | null {
  const [first] = added;
  if (first === undefined || context.brake.allows(allocation, added.length)) return null;
  return refuseByBrake(allocation, new TransportAddress(first, 0), context);
}

function checkPeers(allocation: Allocation, peers: readonly IpAddress[], context: HandlerContext): Reject | null {
  const { permissions } = allocation;
  let added = 0;
  for (const peer of peers) {
    const rule = context.access.judgeAddress(peer, allocation.realm);
    if (rule !== null) return refuseByRule(allocation, new TransportAddress(peer, 0), rule, context);
    if (permissions.find(peer) === null) added++;
  }
  return permissions.size + added > context.limits().permissionsPerAllocation ? INSUFFICIENT_CAPACITY : null;
}
