// Binding (RFC 8489 §6.3.1, §12): tells a client its own transport address.

import { Attribute } from '../../stun/attributes.ts';
import { type Reply, success } from '../reply.ts';
import type { Request } from '../request.ts';

/** Answers a Binding request. */
export function handleBinding(request: Request): Reply {
  return success([{ type: Attribute.XOR_MAPPED_ADDRESS, address: request.endpoint.client }]);
}
