// Where a client is sent whose Allocate finds the server draining (RFC 8656 §7.2 step 11, RFC 8489 §10). Touches no state.

import { Attribute } from '../../stun/attributes.ts';
import { type Reject, tryAlternate } from '../reply.ts';
import type { Request } from '../request.ts';
import type { AlternateServer } from '../settings.ts';
import { Transport } from '../transport.ts';

/** 300 with servers of the client's transport, its own address family first; null where none would do. */
export function sendElsewhere(request: Request, alternates: readonly AlternateServer[]): Reject | null {
  const { endpoint, credential } = request;
  // RFC 8489 §14.8: never without a valid MESSAGE-INTEGRITY. Unsigned, anybody could send clients away.
  if (credential === null) return null;
  const ofTransport = alternates.filter(({ transport }) => transport === endpoint.transport);
  const { family } = endpoint.client.ip;
  const first = ofTransport.find(({ address }) => address.ip.family === family);
  if (first === undefined || !canName(first, request)) return null;
  // One ALTERNATE-DOMAIN stands for all.
  const second = ofTransport.find(({ address, domain }) => address.ip.family !== family && domain === first.domain);
  const addresses = second === undefined ? [first.address] : [first.address, second.address];
  return tryAlternate({ addresses, domain: first.domain });
}

// RFC 8489 §10: ALTERNATE-DOMAIN goes with MESSAGE-INTEGRITY-SHA256 over TLS. Any other client would hold the other server's
// certificate against our name, and fail.
function canName({ domain }: AlternateServer, { endpoint, message }: Request): boolean {
  if (domain === '') return true;
  return endpoint.transport === Transport.TLS && message.has(Attribute.MESSAGE_INTEGRITY_SHA256);
}
