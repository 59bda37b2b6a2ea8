// Allocate (RFC 8656 §7.2): checks, takes quota and relay sockets, then makes the allocation. What was taken is given
// back on every way out.

import { Attribute } from '../../stun/attributes.ts';
import { ErrorCode } from '../../stun/error-codes.ts';
import type { IpFamily } from '../../stun/ip-address.ts';
import { whenReady } from '../awaitable.ts';
import type { ClientEndpoint } from '../client-endpoint.ts';
import { DropReason } from '../drop-reason.ts';
import {
  type Awaitable,
  type Credential,
  type OpenedRelay,
  PortRequest,
  type QuotaRequest,
  type RelaySocket,
} from '../env.ts';
import type { Grant } from '../grant.ts';
import {
  ALLOCATION_MISMATCH,
  ALLOCATION_QUOTA_REACHED,
  drop,
  FORBIDDEN,
  INSUFFICIENT_CAPACITY,
  type Reply,
  type ReplyAttribute,
  success,
} from '../reply.ts';
import { type HandlerContext, type Request, transactionIdOf } from '../request.ts';
import { Transport } from '../transport.ts';
import { isTunnelled } from '../tunnelled.ts';
import { type AllocateWish, readAllocateWish } from './allocate-wish.ts';
import { sendElsewhere } from './alternate.ts';

/** Answers an Allocate request. */
export function handleAllocate(request: Request, context: HandlerContext): Awaitable<Reply> {
  const { endpoint, credential } = request;
  const transactionId = transactionIdOf(request.message);
  const known = answerKnown(request, transactionId, context);
  if (known !== null) return known;
  // RFC 8656 §7.4: on 508 a client may try another server now, and this one again in a minute.
  if (context.draining()) return sendElsewhere(request, context.limits().alternates) ?? INSUFFICIENT_CAPACITY;
  // RFC 8656 §21.4: no clients behind Teredo or 6to4; and S33.
  if (isTunnelled(endpoint.source) || isRelayed(endpoint, context)) return FORBIDDEN;
  const wish = readAllocateWish(request.message, context);
  if (wish.kind === 'reject') return wish;
  if (context.env.isShortOfMemory()) return refuseForMemory(context);
  const lasting = endpoint.link.retain(endpoint);
  lasting.pendingAllocate = transactionId;
  const attempt: Attempt = { endpoint: lasting, credential, wish, context };
  return whenReady(mayReserve(attempt), (may) =>
    may ? takeQuota(attempt) : abandon(lasting, ALLOCATION_QUOTA_REACHED),
  );
}

// Before anything is kept for the client: a refusal must not cost what is short.
function refuseForMemory({ counters }: HandlerContext): Reply {
  counters.memoryLimited++;
  return INSUFFICIENT_CAPACITY;
}

// Two allocations, each of whose clients is the other's relayed address, would be a loop (RFC 8656 §21.1.7). The second of
// them is refused: a UDP client whose address is, port and all, a live relayed address of this server.
function isRelayed({ client, transport }: ClientEndpoint, { access }: HandlerContext): boolean {
  if (transport !== Transport.UDP) return false;
  return access.liveRelay(client.ip, client.port) !== null || access.neighbourAt(client.ip, client.port) !== null;
}

/** What every step of an Allocate needs. Each may take its time, so the next asks whether it has become too late. */
interface Attempt {
  readonly endpoint: ClientEndpoint;
  readonly credential: Credential | null;
  readonly wish: AllocateWish;
  readonly context: HandlerContext;
}

/** An attempt that holds a unit of the quota. */
interface GrantedAttempt extends Attempt {
  readonly grant: Grant;
}

// A reserved port outlives the allocation that it came with, and the quota unit of that: without a limit of their own,
// reservations would let one user empty the pool, an allocation at a time.
function mayReserve({ wish, credential, context }: Attempt): Awaitable<boolean> {
  const { quotaKey, quotaLimit } = credential ?? { quotaKey: null, quotaLimit: 0 };
  if (wish.port !== PortRequest.EVEN_AND_NEXT || quotaKey === null || quotaLimit === 0) return true;
  return context.reservations.mayHold(quotaKey, quotaLimit);
}

function takeQuota(attempt: Attempt): Awaitable<Reply> {
  const { endpoint, context } = attempt;
  if (isTooLate(attempt)) return abandon(endpoint, refusal(attempt));
  return whenReady(context.env.quota.acquire(quotaOf(attempt)), (grant) => {
    if (grant === null) return abandon(endpoint, ALLOCATION_QUOTA_REACHED);
    const opening = isTooLate(attempt) ? NOTHING : openSockets(attempt);
    return whenReady(opening, (opened) => reserve({ ...attempt, grant }, opened));
  });
}

// Whether the client has gone, its credential has run out, or the engine is closing, while something was waited for.
function isTooLate(attempt: Attempt): boolean {
  return attempt.endpoint.closed || attempt.context.closing() || secondsLeft(attempt) === 0;
}

// How long the allocation may last if it is made now.
function secondsLeft({ credential, context }: Attempt): number {
  return context.bounds.secondsLeft({ credential, createdAt: context.env.clock.now() });
}

// Silence for a client that has gone; else there is no room.
function refusal({ endpoint }: Attempt): Reply {
  return endpoint.closed ? drop(DropReason.CLIENT_GONE) : INSUFFICIENT_CAPACITY;
}

// The five-tuple is in use: the same transaction gets the same answer, any other 437 (RFC 8656 §7.2 step 2).
function answerKnown(request: Request, transactionId: string, context: HandlerContext): Reply | null {
  const { allocation, pendingAllocate } = request.endpoint;
  if (pendingAllocate === transactionId) return drop(DropReason.IN_PROGRESS);
  if (allocation === null) return pendingAllocate === '' ? null : ALLOCATION_MISMATCH;
  const cached = allocation.cachedReply;
  const repeated =
    cached !== null &&
    cached.transactionId === transactionId &&
    context.env.clock.now() < cached.until &&
    allocation.belongsTo(request.credential);
  return repeated ? { kind: 'repeat', bytes: cached.bytes } : ALLOCATION_MISMATCH;
}

/** What was opened for a wish; `sockets` is empty when nothing could be. */
interface Opened {
  readonly sockets: readonly RelaySocket[];
  readonly reserved: RelaySocket | null;
  readonly failed: IpFamily | null;
}

const NOTHING: Opened = { sockets: [], reserved: null, failed: null };

function openSockets({ wish, context }: Attempt): Awaitable<Opened> {
  if (wish.reservationToken !== null) {
    return whenReady(context.reservations.redeem(wish.reservationToken), (socket) =>
      socket === null ? NOTHING : { sockets: [socket], reserved: null, failed: null },
    );
  }
  const [first, second] = wish.families;
  if (first === undefined) return NOTHING;
  const { relays } = context.env;
  return whenReady(relays.open(first, wish.port), (one) => {
    if (second === undefined) return collect([one], [first]);
    return whenReady(relays.open(second, wish.port), (two) => collect([one, two], [first, second]));
  });
}

function collect(opened: readonly (OpenedRelay | null)[], families: readonly IpFamily[]): Opened {
  const relays = opened.filter((relay) => relay !== null);
  const failed = families.find((_, index) => opened[index] === null) ?? null;
  const reserved = relays[0]?.reserved ?? null;
  return { sockets: relays.map((relay) => relay.socket), reserved, failed };
}

// Holds the next port, where one was asked for, before anything is made: there is no allocation without its token.
function reserve(attempt: GrantedAttempt, opened: Opened): Awaitable<Reply> {
  if (opened.sockets.length === 0 || isTooLate(attempt)) return giveBack(attempt, opened);
  if (opened.reserved === null) return finish(attempt, opened, null);
  const { reservations } = attempt.context;
  return whenReady(reservations.hold(opened.reserved, attempt.credential?.quotaKey ?? null), (token) => {
    if (token === null) return giveBack(attempt, opened);
    if (!isTooLate(attempt)) return finish(attempt, opened, token);
    // Nobody will hear of the token.
    return whenReady(reservations.redeem(token.toString('hex')), (reserved) =>
      giveBack(attempt, { ...opened, reserved }),
    );
  });
}

function giveBack(attempt: Attempt, opened: Opened): Reply {
  for (const socket of opened.sockets) socket.close();
  opened.reserved?.close();
  attempt.context.env.quota.release(quotaOf(attempt));
  return abandon(attempt.endpoint, refusal(attempt));
}

function finish(attempt: GrantedAttempt, opened: Opened, token: Buffer | null): Reply {
  const { endpoint, credential, grant, wish, context } = attempt;
  const seconds = Math.min(wish.lifetime, secondsLeft(attempt));
  const allocation = context.allocations.create({ endpoint, credential, grant }, opened.sockets, seconds);
  const attributes: ReplyAttribute[] = allocation
    .relays()
    .map((relay) => ({ type: Attribute.XOR_RELAYED_ADDRESS, address: relay.relayed }));
  attributes.push({ type: Attribute.LIFETIME, seconds });
  attributes.push({ type: Attribute.XOR_MAPPED_ADDRESS, address: endpoint.client });
  if (token !== null) attributes.push({ type: Attribute.RESERVATION_TOKEN, token });
  attributes.push(...addressErrors(wish, opened));
  return success(attributes, allocation);
}

// One of two families could not be had: 440 if it is not served, 508 if no port was free (RFC 8656 §7.2 step 9).
function addressErrors(wish: AllocateWish, opened: Opened): ReplyAttribute[] {
  const errors: ReplyAttribute[] = [];
  const add = (family: IpFamily, code: ErrorCode): void => {
    errors.push({ type: Attribute.ADDRESS_ERROR_CODE, family, code });
  };
  if (wish.missing !== null) add(wish.missing, ErrorCode.ADDRESS_FAMILY_NOT_SUPPORTED);
  if (opened.failed !== null) add(opened.failed, ErrorCode.INSUFFICIENT_CAPACITY);
  return errors;
}

function abandon(endpoint: ClientEndpoint, reply: Reply): Reply {
  endpoint.pendingAllocate = '';
  endpoint.link.release(endpoint);
  return reply;
}

function quotaOf({ endpoint, credential }: Attempt): QuotaRequest {
  return { credential, client: endpoint.client.ip };
}
