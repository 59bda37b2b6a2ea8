// RFC 8489 clients on top of LabClient: requests that negotiate a password algorithm, hide the user, or lie about
// either. Builds everything with wire.ts.

import { REALM, USERS } from './lab.ts';
import { type LabClient, REQUEST } from './lab-client.ts';
import { type AttributeInput, type Decoded, type MessageInput, message } from './wire.ts';
import {
  longTermKey,
  nonce,
  passwordAlgorithm,
  passwordAlgorithms,
  realm,
  requestedTransport,
  username,
} from './wire-attributes.ts';

/** Settings of a server that offers everything of RFC 8489. */
export const RFC8489 = { passwordAlgorithms: true, usernameAnonymity: true } as const;

/** Algorithm numbers (RFC 8489 §18.5). */
export const MD5 = 1;
export const SHA256 = 2;

/** How a request of {@link negotiated} differs from a plain one: SHA-256, the offer repeated, USERNAME. */
export interface Negotiation {
  readonly type?: number;
  /** PASSWORD-ALGORITHMS and PASSWORD-ALGORITHM. */
  readonly algorithms?: readonly AttributeInput[];
  /** Which key signs. */
  readonly hash?: 'md5' | 'sha256';
  /** USERNAME or USERHASH. */
  readonly identity?: readonly AttributeInput[];
  /** Method attributes; REQUESTED-TRANSPORT by default. */
  readonly attrs?: readonly AttributeInput[];
  readonly more?: Partial<MessageInput>;
}

/** What an RFC 8489 client sends back of the offer, and its choice. */
export function chosen(algorithm: number): AttributeInput[] {
  return [passwordAlgorithms(SHA256, MD5), passwordAlgorithm(algorithm)];
}

/** The client's long-term key. */
export function keyOf(client: LabClient, hash: 'md5' | 'sha256'): Buffer {
  return longTermKey(client.user, REALM, USERS.get(client.user) ?? '', hash);
}

/** A signed request with the client's current nonce. */
export function negotiated(client: LabClient, input: Negotiation = {}): Buffer {
  return message({
    type: input.type ?? REQUEST.allocate,
    attrs: [
      ...(input.attrs ?? [requestedTransport()]),
      ...(input.identity ?? [username(client.user)]),
      realm(REALM),
      nonce(client.nonce),
      ...(input.algorithms ?? chosen(SHA256)),
    ],
    key: keyOf(client, input.hash ?? 'sha256'),
    integrity: 'sha256',
    ...input.more,
  });
}

/** Sends such a request after taking a challenge, and returns the answer. Throws on silence. */
export async function negotiate(client: LabClient, input: Negotiation = {}): Promise<Decoded> {
  if (client.nonce === '') await client.challenge();
  return client.must(await client.exchange(negotiated(client, input)));
}
