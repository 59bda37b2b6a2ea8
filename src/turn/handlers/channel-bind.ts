// ChannelBind (RFC 8656 §12.2): binds a channel number to a peer's transport address, or extends the binding.

import { Attribute } from '../../stun/attributes.ts';
import { FIRST_CHANNEL, LAST_CHANNEL, LAST_CHANNEL_RFC5766 } from '../../stun/channel-data.ts';
import { ABSENT } from '../../stun/message-view.ts';
import { readChannelNumber, readXorAddress } from '../../stun/readers.ts';
import { type TransportAddress, TransportWords } from '../../stun/transport-address.ts';
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

/** Answers a ChannelBind request. */
export function handleChannelBind(request: AllocationRequest, context: HandlerContext): Reply {
  const { allocation, message } = request;
  const number = readChannelNumber(message);
  const at = message.find(Attribute.XOR_PEER_ADDRESS);
  const words = new TransportWords();
  if (!isBindable(number, context) || at === ABSENT || !readXorAddress(message, at, words)) return BAD_REQUEST;
  const peer = words.copyAddress();
  if (peer.port === 0) return BAD_REQUEST;
  const relay = allocation.relay(peer.ip.family);
  if (relay === null) return PEER_ADDRESS_FAMILY_MISMATCH;
  forgetExpired(allocation, number, peer, context);
  const refusal = checkPeer(allocation, peer, context) ?? checkBinding(allocation, number, peer, context);
  if (refusal !== null) return refusal;
  if (isNewPeer(allocation, peer.ip, context)) context.brake.take(allocation, 1);
  context.allocations.bindChannel(allocation, relay, number, peer.ip, peer.port);
  return success([]);
}

// ABSENT and MALFORMED are negative, and so out of range as well.
function isBindable(number: number, context: HandlerContext): boolean {
  const last = context.settings.rfc5766ChannelNumbers ? LAST_CHANNEL_RFC5766 : LAST_CHANNEL;
  return number >= FIRST_CHANNEL && number <= last;
}

function checkPeer(allocation: Allocation, peer: TransportAddress, context: HandlerContext): Reject | null {
  const isTooFast = isNewPeer(allocation, peer.ip, context) && !context.brake.allows(allocation, 1);
  if (isTooFast) return refuseByBrake(allocation, peer, context);
  const rule = context.access.judge(peer.ip, peer.port, allocation.realm);
  return rule === null ? null : refuseByRule(allocation, peer, rule, context);
}

// Neither the number nor the address may be bound otherwise, and there must be room.
function checkBinding(
  allocation: Allocation,
  number: number,
  peer: TransportAddress,
  context: HandlerContext,
): Reject | null {
  const { channels, permissions } = allocation;
  const { channelsPerAllocation, permissionsPerAllocation } = context.limits();
  const permission = permissions.find(peer.ip);
  const byNumber = channels.get(number) ?? null;
  const byPeer = permission?.channelAt(peer.port) ?? null;
  if (byNumber !== byPeer) return BAD_REQUEST;
  if (byNumber === null && channels.size >= channelsPerAllocation) return INSUFFICIENT_CAPACITY;
  return permission === null && permissions.size >= permissionsPerAllocation ? INSUFFICIENT_CAPACITY : null;
}

// A binding that has expired frees its number, its address and its room at once, swept up or not (RFC 8656 §12).
function forgetExpired(allocation: Allocation, number: number, peer: TransportAddress, context: HandlerContext): void {
  const { channels, permissions } = allocation;
  const { channelsPerAllocation, permissionsPerAllocation } = context.limits();
  const now = context.env.clock.now();
  const byNumber = channels.get(number);
  const byPeer = permissions.find(peer.ip)?.channelAt(peer.port);
  const full = channels.size >= channelsPerAllocation || permissions.size >= permissionsPerAllocation;
  if (full || byNumber?.isLive(now) === false || byPeer?.isLive(now) === false) {
    context.allocations.forgetExpired(allocation);
  }
}
