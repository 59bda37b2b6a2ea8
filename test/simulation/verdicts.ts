// Which answer a request must have, or may have: RFC 8489 and RFC 8656 in the plainest terms, over the model's state.

import type { Model } from './model.ts';
import { isOwn, isRefusedPeer, type ModelAllocation, textOf } from './model-state.ts';
import type {
  AllocateRequest,
  ChannelRequest,
  PermissionRequest,
  RefreshRequest,
  Signature,
  SimRequest,
} from './requests.ts';
import type { Timeline } from './timeline.ts';
import type { Arrival, UserBook } from './user-book.ts';

/** Which error codes an answer must have one of, and which it may have as well. No `must`: success. */
export interface Verdict {
  readonly must: Set<number>;
  readonly may: Set<number>;
}

const NONCE = 600_000;
// The server may count a nonce's age in steps of this much, and one step ahead is another node's clock.
const NONCE_STEP = 15_000;

/** What judges. */
export interface Court {
  readonly model: Model;
  readonly timeline: Timeline;
  readonly book: UserBook;
  /** Whether a socket is bound to the private side of a relayed address, whoever holds it. */
  readonly isBound: (relayed: string) => boolean;
}

/** Judges a request of a client that came in at `arrival` and is answered now. */
export function judge(court: Court, serial: number, request: SimRequest, arrival: Arrival): Verdict {
  const verdict: Verdict = { must: new Set(), may: new Set() };
  if (request.kind === 'binding') {
    if (request.unknown) verdict.must.add(420);
    return verdict;
  }
  judgeSignature(court, serial, request.signature, arrival, verdict);
  if (verdict.must.size > 0) return verdict;
  if (request.unknown) verdict.must.add(420);
  if (request.kind === 'allocate') judgeAllocate(court, serial, request, arrival, verdict);
  else judgeOnAllocation(court, serial, request, verdict);
  return verdict;
}

function judgeSignature(
  { book, timeline }: Court,
  serial: number,
  signature: Signature | null,
  arrival: Arrival,
  { must, may }: Verdict,
): void {
  if (signature === null) {
    must.add(401);
    return;
  }
  // A nonce is looked at when the request arrives, anywhere between then and now, and before the signature.
  const { nonce } = signature;
  const ages = timeline.wallSince(arrival.at).map(({ from, to }) => ({ from: from - nonce.at, to: to - nonce.at }));
  const isDead =
    nonce.serial !== serial || ages.every(({ from, to }) => from >= NONCE + NONCE_STEP || to < -2 * NONCE_STEP);
  if (isDead) {
    must.add(438);
    return;
  }
  if (ages.some(({ from, to }) => to >= NONCE || from < 0)) may.add(438);
  const standing = book.judge(signature, arrival);
  if (book.mayBeUnavailable(signature, arrival, standing)) may.add(500);
  if (standing === 'bad') must.add(401);
  else if (standing === 'doubtful') may.add(401);
}

function judgeAllocate(
  { model }: Court,
  serial: number,
  request: AllocateRequest,
  { at }: Arrival,
  { must, may }: Verdict,
): void {
  if (model.live(serial) !== null) {
    if (model.repeated(serial, request) === null) must.add(437);
    return;
  }
  const { transport, family, additional, even, token } = request;
  const attributes = [even, family, additional].filter((value) => value !== null).length;
  if (transport === null) must.add(400);
  else if (transport !== 17) must.add(442);
  if (request.dontFragment) must.add(420);
  if (token !== null && attributes > 0) must.add(400);
  if (family !== null && additional !== null) must.add(400);
  if (additional !== null && (additional !== 2 || even === true)) must.add(400);
  if (family !== null && family !== 1 && family !== 2) must.add(440);
  if (token === null) return;
  const reservation = model.reservations.get(token);
  if (reservation === undefined || at >= reservation.deadline) must.add(508);
  else if (model.now >= reservation.surelyUntil || reservation.claims > 1) may.add(508);
}

function judgeOnAllocation(
  court: Court,
  serial: number,
  request: RefreshRequest | PermissionRequest | ChannelRequest,
  verdict: Verdict,
): void {
  const allocation = court.model.live(serial);
  const { signature } = request;
  if (allocation === null) verdict.must.add(437);
  else if (allocation.user !== signature?.user || allocation.realm !== signature.realm) verdict.must.add(441);
  else if (request.kind === 'refresh') judgeRefresh(court.model, allocation, request, verdict);
  else if (request.kind === 'permission') judgePermission(court.model, allocation, request, verdict);
  else judgeChannel(court, allocation, request, verdict);
}

function judgeRefresh(model: Model, allocation: ModelAllocation, { family }: RefreshRequest, { must }: Verdict): void {
  if (family === null) return;
  const wanted = family === 1 ? 4 : family === 2 ? 6 : 0;
  if (!allocation.relays.some((relay) => relay.family === wanted && model.isLive(relay))) must.add(443);
}

function judgePermission(
  model: Model,
  allocation: ModelAllocation,
  { peers }: PermissionRequest,
  { must }: Verdict,
): void {
  if (peers.length === 0) must.add(400);
  for (const { ip } of peers) {
    if (model.relayTo(allocation, ip) === null) must.add(443);
    if (isRefusedPeer(ip)) must.add(403);
  }
}

function judgeChannel(
  { model, isBound }: Court,
  allocation: ModelAllocation,
  { number, peer }: ChannelRequest,
  { must, may }: Verdict,
): void {
  if (number === null || number < 0x4000 || number > 0x4fff) must.add(400);
  if (peer === null || peer.port === 0) {
    must.add(400);
    return;
  }
  if (model.relayTo(allocation, peer.ip) === null) must.add(443);
  if (isRefusedPeer(peer.ip)) must.add(403);
  // Of a port that is being opened or closed the server may say either.
  if (isOwn(peer.ip) && model.relayAt(textOf(peer)) === null) (isBound(textOf(peer)) ? may : must).add(403);
  for (const [other, channel] of allocation.channels) {
    const live = channel.deadline > model.now && model.relayTo(allocation, channel.peer) !== null;
    if (live && (other === number) !== (channel.peer === textOf(peer))) must.add(400);
  }
}
