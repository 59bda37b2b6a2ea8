// Which requests are served, and what is checked before any handler: unknown attributes, then whether the five-tuple
// has an allocation and whose it is. One entry per method.

import { Attribute } from '../stun/attributes.ts';
import type { MessageView } from '../stun/message-view.ts';
import { Method } from '../stun/methods.ts';
import { readChangeRequest } from '../stun/readers.ts';
import type { Awaitable } from './env.ts';
import { handleAllocate } from './handlers/allocate.ts';
import { handleBinding } from './handlers/binding.ts';
import { handleChannelBind } from './handlers/channel-bind.ts';
import { handleCreatePermission } from './handlers/create-permission.ts';
import { handleRefresh } from './handlers/refresh.ts';
import { ALLOCATION_MISMATCH, type Reply, unknownAttributes, WRONG_CREDENTIALS } from './reply.ts';
import type { AllocationHandler, Handler, HandlerContext, Request } from './request.ts';

const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [Method.BINDING, handleBinding],
  [Method.ALLOCATE, handleAllocate],
  [Method.REFRESH, onAllocation(handleRefresh)],
  [Method.CREATE_PERMISSION, onAllocation(handleCreatePermission)],
  [Method.CHANNEL_BIND, onAllocation(handleChannelBind)],
]);

/** Whether requests of this method are served; others are dropped (RFC 8489 §6.3). */
export function isServed(method: number): boolean {
  return HANDLERS.has(method);
}

/** Answers a request that has been authenticated (or needs no authentication). */
export function dispatch(request: Request, context: HandlerContext): Awaitable<Reply> {
  const unknown = unknownTypes(request.message);
  if (unknown.length > 0) return unknownAttributes(unknown);
  const handler = HANDLERS.get(request.message.method) as Handler; // isServed() has been asked
  return handler(request, context);
}

// Without allocation 437, by another user than its owner 441 (RFC 8656 §5).
function onAllocation(handler: AllocationHandler): Handler {
  return (request, context) => {
    const { allocation } = request.endpoint;
    if (allocation === null) return ALLOCATION_MISMATCH;
    if (!allocation.belongsTo(request.credential)) return WRONG_CREDENTIALS;
    return handler({ ...request, allocation }, context);
  };
}

// Attributes that the codec knows, but whose features this server does not have: unknown to the client (RFC 8489
// §6.3.1). CHANGE-REQUEST without flags asks for nothing and is tolerated, as old clients send it (RFC 5780 §6).
function unknownTypes(message: MessageView): number[] {
  const unknown = [...message.unknown.subarray(0, message.unknownCount)];
  for (const type of UNSUPPORTED) if (message.has(type)) unknown.push(type);
  if (message.has(Attribute.CHANGE_REQUEST) && readChangeRequest(message) !== 0) unknown.push(Attribute.CHANGE_REQUEST);
  return unknown;
}

const UNSUPPORTED = [Attribute.ACCESS_TOKEN, Attribute.RESPONSE_PORT, Attribute.PADDING] as const;
