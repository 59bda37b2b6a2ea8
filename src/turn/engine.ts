// The TURN server as a state machine: bytes in from clients, answers and relayed data out through the interfaces of
// env.ts. The only sender of responses. Contains every fault: nothing that a client sends can make it throw.

import { classify, LAST_CHANNEL_BYTE, LAST_CHANNEL_BYTE_RFC5766, PacketKind } from '../stun/classify.ts';
import { ErrorCode } from '../stun/error-codes.ts';
import { MessageView, ParseStatus, parseMessage } from '../stun/message-view.ts';
import { MessageClass, Method } from '../stun/methods.ts';
import type { Allocation } from './allocation.ts';
import { Allocations } from './allocations.ts';
import { Authenticator, type AuthResult, type Candidates, type Claim, type Refused } from './authenticator.ts';
import type { ClientEndpoint } from './client-endpoint.ts';
import { containQuota, containRelays, containReservations } from './contained.ts';
import { EngineCounters } from './counters.ts';
import { dispatch, isServed } from './dispatch.ts';
import { DropReason } from './drop-reason.ts';
import { AuthFailure, type Awaitable, type Credential, type Env, ReleaseReason, type ReservedPorts } from './env.ts';
import { LoginVerdict } from './login-brake.ts';
import { containObserver } from './observer.ts';
import { PeerAccess } from './peer-access.ts';
import { RateMeters } from './rate-meters.ts';
import { RelayPath } from './relay-path.ts';
import { RelayRegistry } from './relay-registry.ts';
import { isChallenge, type Reject, type Reply, SERVER_ERROR } from './reply.ts';
import { copyHead, ReplyBuilder, type ReplyHead, type ReplyIntegrity } from './reply-builder.ts';
import type { HandlerContext, Request } from './request.ts';
import { Reservations } from './reservations.ts';
import { ScanBrake } from './scan-brake.ts';
import { SessionBounds } from './session-bounds.ts';
import type { EngineLimits, EngineSettings } from './settings.ts';
import { Transport } from './transport.ts';
import { WaitingRoom } from './waiting-room.ts';

// A response is repeated for retransmissions for this long (RFC 8489 §6.3.1).
const REPLY_CACHE = 40_000;

/** One engine serves any number of listeners. Synchronous but for look-ups that miss their caches. */
export class Engine {
  readonly counters: EngineCounters = new EngineCounters();
  readonly allocations: Allocations;
  readonly reservations: ReservedPorts;
  /**
   * How many requests had to wait for a promise (a credential, a quota, a socket, a reservation). Only grows: whoever owns
   * the event loop compares it around {@link fromClient}, to know that microtasks and Node's loop have work for it now.
   */
  promises = 0;
  /** Whether new allocations are refused (508), while those that live go on in every way. */
  isDraining = false;
  readonly #env: Env;
  readonly #settings: EngineSettings;
  readonly #path: RelayPath;
  readonly #authenticator: Authenticator;
  readonly #brake: ScanBrake;
  readonly #bounds: SessionBounds;
  readonly #builder: ReplyBuilder;
  readonly #meters: RateMeters;
  readonly #context: HandlerContext;
  readonly #view: MessageView = new MessageView();
  readonly #lastChannelByte: number;
  readonly #waiting: WaitingRoom;
  readonly #stopwatch: () => number;
  /** When the request came that is being worked on now; set anew after whatever was waited for. */
  #since = 0;
  #limits: EngineLimits;
  #closing = false;

  /** @param stopwatch monotonic milliseconds, finer than those of a clock that is sampled; read per request */
  constructor(given: Env, settings: EngineSettings, stopwatch: () => number = () => given.clock.now()) {
    const observer = containObserver(given.observer);
    const quota = containQuota(given.quota, observer);
    const env = { ...given, observer, quota, relays: containRelays(given.relays, observer) };
    const { clock, random } = env;
    const registry = new RelayRegistry();
    const access = new PeerAccess(env.peers, env.own, registry, env.neighbours);
    this.#env = env;
    this.#settings = settings;
    this.#stopwatch = stopwatch;
    this.#limits = settings.limits;
    this.#lastChannelByte = settings.rfc5766ChannelNumbers ? LAST_CHANNEL_BYTE_RFC5766 : LAST_CHANNEL_BYTE;
    this.#path = new RelayPath(env, access, this.counters);
    const bounds = new SessionBounds(clock, settings.limits);
    this.#bounds = bounds;
    this.#authenticator = new Authenticator(env, settings, bounds);
    this.#builder = new ReplyBuilder(settings);
    this.#waiting = new WaitingRoom(random);
    const meters = new RateMeters(env.rateMemory, env.realms, settings.limits.rates);
    this.#meters = meters;
    const { worker } = settings;
    const path = this.#path;
    const shared = { clock, random, quota, meters, observer, access, path, registry, bounds };
    this.allocations = new Allocations({ ...shared, counters: this.counters, worker });
    this.reservations = containReservations(given.reservations ?? new Reservations(clock, random), observer);
    this.#brake = new ScanBrake(clock, settings.limits);
    const { allocations, reservations, counters } = this;
    const brake = this.#brake;
    this.#context = {
      ...{ env, settings, allocations, reservations, access, brake, bounds, counters },
      limits: () => this.#limits,
      draining: () => this.isDraining,
      closing: () => this.#closing,
    };
  }

  /**
   * A datagram, or one frame of a stream, from a client: `buffer[start, end)`. The endpoint may be a scratch that is
   * reused after the call, and so may the buffer, but for payloads that have been handed to a plane.
   */
  fromClient(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void {
    const kind = start < end ? classify(buffer[start] as number, this.#lastChannelByte) : PacketKind.OTHER;
    if (kind === PacketKind.CHANNEL_DATA) this.#path.channelData(endpoint, buffer, start, end);
    else if (kind === PacketKind.STUN) this.#stun(endpoint, buffer, start, end);
    else this.counters.drop(DropReason.NOT_OURS);
  }

  /** A client's connection has closed: its allocation ends with it. */
  endpointClosed(endpoint: ClientEndpoint): void {
    endpoint.closed = true;
    if (endpoint.allocation !== null) this.release(endpoint.allocation, ReleaseReason.CONNECTION_CLOSED);
  }

  /** Holds to these limits from now on, for allocations that exist, too. What exceeds them already stays. */
  setLimits(limits: EngineLimits): void {
    this.#limits = limits;
    this.#brake.setLimits(limits);
    this.#bounds.setLimits(limits);
    this.#meters.setRates(limits.rates);
    this.allocations.equip();
    this.allocations.bound();
  }

  /** What {@link Env.realms} says of rates has changed. */
  realmsChanged(): void {
    this.allocations.equip();
  }

  /** Ends an allocation. */
  release(allocation: Allocation, reason: ReleaseReason): void {
    this.allocations.release(allocation, reason);
  }

  /** Ends what is due: to be called once a second. */
  tick(): void {
    this.allocations.tick();
    this.reservations.tick();
  }

  /** Ends everything and makes nothing new. */
  close(): void {
    this.#closing = true;
    for (const allocation of [...this.allocations.list()]) this.release(allocation, ReleaseReason.SHUTDOWN);
    this.reservations.close();
  }

  #stun(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void {
    const view = this.#view;
    const status = parseMessage(buffer, start, end, view);
    if (status === ParseStatus.BAD_FINGERPRINT) return this.counters.drop(DropReason.BAD_FINGERPRINT);
    if (status !== ParseStatus.OK) return this.counters.drop(DropReason.MALFORMED);
    if (view.messageClass === MessageClass.INDICATION) return this.#indication(endpoint, view);
    // Responses match no transaction of ours; unknown methods are dropped (RFC 8489 §6.3).
    const served = view.messageClass === MessageClass.REQUEST && isServed(view.method);
    if (!served) return this.counters.drop(DropReason.UNEXPECTED);
    this.counters.requests++;
    const method = this.counters.method(view.method);
    if (method !== null) method.requests++;
    this.#since = this.#stopwatch();
    try {
      this.#request(endpoint, view);
    } catch (error) {
      this.#env.observer.failed(error);
      this.#reply(endpoint, copyHead(view, ''), SERVER_ERROR, null);
    }
  }

  // No indication is ever answered (RFC 8489 §6.3.2). A Binding indication keeps a NAT binding alive, nothing more.
  #indication(endpoint: ClientEndpoint, view: MessageView): void {
    if (view.method === Method.SEND) this.#path.send(endpoint, view);
    else if (view.method === Method.BINDING) this.counters.keepAlives++;
    else this.counters.drop(DropReason.UNEXPECTED);
  }

  #request(endpoint: ClientEndpoint, view: MessageView): void {
    this.#expire(endpoint);
    const open = this.#settings.anonymous || (view.method === Method.BINDING && !this.#settings.authenticateBinding);
    if (open) return this.#handle(endpoint, view, null, null);
    const claim = this.#authenticator.readClaim(view, endpoint);
    if (claim.kind === 'refused') return this.#refuse(endpoint, view, claim);
    if (this.#isBraked(endpoint, claim)) return;
    // Asked before, for a look-up that nobody waits for takes others' places as well.
    const mayWait = this.#waiting.hasPlace(endpoint.source) || this.#authenticator.ownerOf(claim, endpoint) !== null;
    if (!mayWait) return this.#overloaded(endpoint, view);
    const candidates = this.#authenticator.candidates(claim, endpoint);
    if (candidates instanceof Promise) this.#wait(endpoint, view, claim, candidates);
    else this.#judge(endpoint, view, claim, candidates);
  }

  // A client over UDP asks again by itself; over a stream it would wait 39.5 s for its answer (RFC 8489 §6.2.2).
  #overloaded(endpoint: ClientEndpoint, view: MessageView): void {
    if (endpoint.stream) this.#reply(endpoint, copyHead(view, ''), SERVER_ERROR, null);
    else this.counters.drop(DropReason.OVERLOADED);
  }

  // A tick finds what is over up to two seconds late; no request may still see it.
  #expire(endpoint: ClientEndpoint): void {
    if (endpoint.allocation !== null) this.allocations.expire(endpoint.allocation);
  }

  // What is beyond the budget of failed logins is neither looked up nor verified, and gets no answer (S20): whoever tries
  // out passwords must not learn of the right one. A client that is braked with him, behind the same address under the
  // same name, sends again; a 401 would make it give up. The owner of an allocation is never held up on its five-tuple.
  #isBraked(endpoint: ClientEndpoint, claim: Claim): boolean {
    if (this.#authenticator.ownerOf(claim, endpoint) !== null) return false;
    const verdict = this.#authenticator.judgeLogin(claim, endpoint);
    if (verdict === LoginVerdict.VERIFY) return false;
    this.counters.drop(DropReason.BRAKED);
    this.counters.authFailed(AuthFailure.BRAKED);
    const isNews = verdict === LoginVerdict.REFUSE_AND_SAY;
    if (isNews) this.#env.observer.authFailed(endpoint, claim.username ?? '', AuthFailure.BRAKED, claim.realm);
    return true;
  }

  #judge(endpoint: ClientEndpoint, view: MessageView, claim: Claim, candidates: Candidates): void {
    const result: AuthResult = this.#authenticator.verify(claim, candidates, view, endpoint);
    if (result.kind === 'refused') this.#refuse(endpoint, view, result);
    else this.#handle(endpoint, view, result.credential, result.integrity);
  }

  // The look-up takes time: message and five-tuple are copied, and state is looked up again afterwards.
  #wait(endpoint: ClientEndpoint, view: MessageView, claim: Claim, candidates: Promise<Candidates>): void {
    const place = this.#waiting.enter(endpoint.source);
    this.promises++;
    const message = Buffer.from(view.buffer.subarray(view.start, view.end));
    const copy = endpoint.copy();
    const since = this.#since;
    const resume = (found: Candidates): void => {
      this.#waiting.leave(place);
      this.#since = since;
      const current = copy.link.find(copy) ?? copy;
      const again = new MessageView();
      parseMessage(message, 0, message.length, again);
      if (current.closed || this.#closing) return this.counters.drop(DropReason.CLIENT_GONE);
      this.#expire(current);
      // Again, for many may have been let through while none of them had failed yet.
      if (!this.#isBraked(current, claim)) this.#judge(current, again, claim, found);
    };
    candidates.then(resume, () => resume('unavailable')).catch((error) => this.#env.observer.failed(error));
  }

  #refuse(endpoint: ClientEndpoint, view: MessageView, refused: Refused): void {
    const realm = this.#authenticator.realmOf(view, endpoint);
    if (refused.failure !== null) {
      this.counters.authFailed(refused.failure);
      this.#env.observer.authFailed(endpoint, refused.username, refused.failure, realm);
    }
    this.#reply(endpoint, copyHead(view, realm), refused.reject, null);
  }

  #handle(
    endpoint: ClientEndpoint,
    view: MessageView,
    credential: Credential | null,
    integrity: ReplyIntegrity | null,
  ): void {
    const head = copyHead(view, ''); // no handler challenges
    const since = this.#since;
    const result = this.#dispatch({ endpoint, message: view, credential });
    if (!(result instanceof Promise)) return this.#reply(endpoint, head, result, integrity);
    this.promises++;
    const copy = endpoint.copy();
    const send = (reply: Reply): void => {
      const current = copy.link.find(copy) ?? copy;
      this.#since = since;
      if (current.closed) this.counters.drop(DropReason.CLIENT_GONE);
      else this.#reply(current, head, reply, integrity);
    };
    result.then(send).catch((error) => this.#env.observer.failed(error));
  }

  // A handler that throws or rejects is a bug, or has a failing collaborator: the client is told 500.
  #dispatch(request: Request): Awaitable<Reply> {
    const failed = (error: unknown): Reply => {
      this.#env.observer.failed(error);
      return SERVER_ERROR;
    };
    try {
      const reply = dispatch(request, this.#context);
      return reply instanceof Promise ? reply.catch(failed) : reply;
    } catch (error) {
      return failed(error);
    }
  }

  #reply(endpoint: ClientEndpoint, head: ReplyHead, reply: Reply, integrity: ReplyIntegrity | null): void {
    const { buffer } = this.#builder;
    switch (reply.kind) {
      case 'drop':
        return this.counters.drop(reply.reason);
      case 'repeat':
        this.counters.success(head.method);
        return this.#send(endpoint, reply.bytes, reply.bytes.length);
      case 'reject':
        return this.#reject(endpoint, head, reply, integrity);
      case 'success': {
        const budgeted = head.method === Method.BINDING && !isProven(endpoint, integrity);
        if (budgeted && !this.#env.budget.allowBinding(endpoint.source)) {
          return this.counters.drop(DropReason.OVER_BUDGET);
        }
        const length = this.#builder.success(head, reply, integrity);
        if (reply.cacheIn !== null) this.#remember(reply.cacheIn, head, length);
        this.counters.success(head.method);
        if (reply.cacheIn !== null) this.counters.setUp.observe((this.#stopwatch() - this.#since) / 1000);
        return this.#send(endpoint, buffer, length);
      }
    }
  }

  #reject(endpoint: ClientEndpoint, head: ReplyHead, reply: Reject, integrity: ReplyIntegrity | null): void {
    if (!isProven(endpoint, integrity) && !this.#env.budget.allowError(endpoint.source)) {
      if (reply.code === ErrorCode.UNAUTHENTICATED) this.counters.challenges.overBudget++;
      return this.counters.drop(DropReason.OVER_BUDGET);
    }
    const nonce = isChallenge(reply) ? this.#authenticator.nonceFor(endpoint) : '';
    const length = this.#builder.reject(head, reply, integrity, nonce);
    this.counters.error(head.method, reply.code);
    if (reply.code === ErrorCode.UNAUTHENTICATED) this.counters.challenges.sent++;
    this.#env.observer.rejected(endpoint, head.method, reply.code);
    this.#send(endpoint, this.#builder.buffer, length);
  }

  #send(endpoint: ClientEndpoint, response: Buffer, length: number): void {
    this.counters.responses++;
    endpoint.link.send(endpoint, response, 0, length);
  }

  // Until here a retransmission found the transaction in progress; from here it finds the response.
  #remember(allocation: Allocation, head: ReplyHead, length: number): void {
    allocation.endpoint.pendingAllocate = '';
    allocation.cachedReply = {
      transactionId: head.transactionId.toString('hex'),
      bytes: Buffer.from(this.#builder.buffer.subarray(0, length)),
      until: this.#env.clock.now() + REPLY_CACHE,
    };
  }
}

// A plain UDP source that has not authenticated may be forged: its answers are budgeted. Every other transport has
// shown by a handshake that the client is where it says.
function isProven(endpoint: ClientEndpoint, integrity: ReplyIntegrity | null): boolean {
  return integrity !== null || endpoint.transport !== Transport.UDP;
}
