// A request on its way through a handler, and what handlers share.

import type { MessageView } from '../stun/message-view.ts';
import type { Allocation } from './allocation.ts';
import type { Allocations } from './allocations.ts';
import type { ClientEndpoint } from './client-endpoint.ts';
import type { EngineCounters } from './counters.ts';
import type { Awaitable, Credential, Env, ReservedPorts } from './env.ts';
import type { PeerAccess } from './peer-access.ts';
import type { Reply } from './reply.ts';
import type { ScanBrake } from './scan-brake.ts';
import type { SessionBounds } from './session-bounds.ts';
import type { EngineLimits, EngineSettings } from './settings.ts';

/** What every handler may use. */
export interface HandlerContext {
  readonly env: Env;
  readonly settings: EngineSettings;
  readonly allocations: Allocations;
  readonly reservations: ReservedPorts;
  readonly access: PeerAccess;
  readonly brake: ScanBrake;
  readonly bounds: SessionBounds;
  readonly counters: EngineCounters;
  /** As they are now. */
  limits(): EngineLimits;
  /** Whether new allocations are refused, while those that live go on. */
  draining(): boolean;
  /** Whether the engine is closing: then nothing new is made. */
  closing(): boolean;
}

/** One authenticated request. The message is valid until the handler returns or first awaits. */
export interface Request {
  readonly endpoint: ClientEndpoint;
  readonly message: MessageView;
  /** Whose request it is; null when access is anonymous (or the method needs none). */
  readonly credential: Credential | null;
}

/** A request on a five-tuple that has an allocation, by its owner. */
export interface AllocationRequest extends Request {
  readonly allocation: Allocation;
}

/** Answers one method. Checks everything, then changes anything. */
export type Handler = (request: Request, context: HandlerContext) => Awaitable<Reply>;

/** Answers one method that needs an allocation. */
export type AllocationHandler = (request: AllocationRequest, context: HandlerContext) => Reply;

/** The transaction ID as hex: a key that outlives the buffer. */
export function transactionIdOf(message: MessageView): string {
  return message.buffer.toString('hex', message.start + 8, message.start + 20);
}
