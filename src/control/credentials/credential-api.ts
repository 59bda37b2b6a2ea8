// What all credential APIs have in common: who may ask, and how a wish becomes credentials. Knows no vendor's form.

import { freshUserId, type MadeCredentials, makeParts } from '../ice-credentials.ts';
import { ApiError } from '../problem.ts';
import type { IceSource } from '../server-control.ts';
import { hasScope, type TokenStore } from '../tokens.ts';

/** What the credential APIs are made with. */
export interface CredentialApi {
  /** What credentials are made of, in a realm (null: the default one). */
  source(realm: string | null): Promise<IceSource>;
  /** Unix milliseconds. */
  now(): number;
  /** Null: whoever can speak here has full rights, and needs no token (the Unix socket). */
  readonly tokens: TokenStore | null;
  /** Refuses a username from now on and ends its allocations. @returns how many. @throws AdminError */
  revoke(username: string): Promise<number>;
  /** Gets what is a fault of the program. */
  readonly report: (error: unknown) => void;
}

/** The scope that a token needs. */
const CREDENTIALS_SCOPE = 'credentials';

/** What an app of a vendor asks for. */
export interface AppWish {
  readonly ttlSeconds: number;
  /** Null: each credential is somebody new, counted and revoked by itself. */
  readonly userId?: string | null;
  readonly label?: string | null;
}

/**
 * Lets the holder of a token pass.
 * @param presented what was given as one; null if nothing was
 * @param names whether what the request calls the token by belongs to a token of that name
 * @throws ApiError unauthorized, or forbidden for a token without the scope
 */
export function checkToken(
  { tokens }: CredentialApi,
  presented: string | null,
  names: (tokenName: string) => boolean = () => true,
): void {
  if (tokens === null) return;
  const token = presented === null || presented === '' ? null : tokens.find(presented);
  if (token === null || !names(token.name)) throw new ApiError('unauthorized', 'this needs a token that is known here');
  if (!hasScope(token, CREDENTIALS_SCOPE))
    throw new ApiError('forbidden', `the token has no scope "${CREDENTIALS_SCOPE}"`);
}

/** Makes what was asked for, in the default realm. @throws AdminError */
export async function issue(
  api: CredentialApi,
  { ttlSeconds, userId, label = null }: AppWish,
): Promise<MadeCredentials> {
  const source = await api.source(null);
  return makeParts(source, { ttlSeconds, userId: userId ?? freshUserId(), label, host: null, realm: null }, api.now());
}

/** The token of `Authorization: Bearer …` (RFC 6750 §2.1), or null. */
export function bearerOf(header: string | undefined): string | null {
  return /^Bearer +([^ ]+) *$/i.exec(header ?? '')?.[1] ?? null;
}

/** What `Authorization: Basic …` holds (RFC 7617), or null. */
export function basicOf(header: string | undefined): { readonly name: string; readonly secret: string } | null {
  const encoded = /^Basic +([A-Za-z0-9+/]+=*) *$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { name: text.slice(0, colon), secret: text.slice(colon + 1) };
}
