// What bounds the answers to strangers, as the engine asks it. Declares, does nothing.

import type { TransportWords } from '../stun/transport-address.ts';

/** Bounds unauthenticated answers per source, so that the server is no reflector. */
export interface ReplyBudget {
  /** Whether an error answer to an unauthenticated source may be sent now (401, 438, 400, 420). */
  allowError(client: TransportWords): boolean;
  /** Whether a Binding success may be sent now. */
  allowBinding(client: TransportWords): boolean;
}
