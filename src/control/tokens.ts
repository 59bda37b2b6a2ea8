// Bearer tokens of the control API: what they are, what they may do, and what whoever checks them may ask. Keeps none.

import type { Scope } from '../config/api-tokens.ts';

/** A token that counts, without its text. */
export interface Token {
  /** Unique; for people and logs. */
  readonly name: string;
  readonly scopes: readonly Scope[];
}

/** Where tokens are looked up. */
export interface TokenStore {
  /**
   * The token whose text was presented, or null for one that is unknown or has expired. Takes any text, never throws and
   * notes that the token was used. Whoever asks counts failures: `NetworkGuard` does.
   */
  find(presented: string): Token | null;
}

/** A token as it is kept: enough to know it again, not enough to use it. */
export interface StoredToken extends Token {
  /** SHA-256 of its text, 64 hexadecimal digits. */
  readonly hash: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Unix milliseconds; null = it stays. */
  readonly expiresAt: number | null;
  /** Unix milliseconds, at most a minute old while it is in use; null = never. */
  readonly lastUsedAt: number | null;
}

/** A token as it is listed. */
export interface TokenView extends Token {
  /** Whether it stands in the configuration file; then nothing is known of the times. */
  readonly isConfigured: boolean;
  readonly createdAt: number | null;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
}

/** A token at the only moment at which its text is known. */
export interface NewToken extends TokenView {
  readonly token: string;
}

/** What somebody wants a token to be. */
export interface TokenWish extends Token {
  /** Unix milliseconds; null = it stays. */
  readonly expiresAt: number | null;
}

/** Administration of tokens. Every operation may reject with an AdminError, and with nothing else. */
export interface TokenAdministration {
  listTokens(): Promise<readonly TokenView[]>;
  /** @throws AdminError conflict for a name that is taken, invalid for one that cannot be */
  addToken(wish: TokenWish): Promise<NewToken>;
  /** @throws AdminError not-found, conflict for one of the configuration file */
  removeToken(name: string): Promise<TokenView>;
}

/** Tells secret scanners and people whose it is. */
const PREFIX = 'turnd_';
/** Of a token: 256 bits, so that a plain hash is enough to keep it. */
export const TOKEN_BYTES = 32;

/** The text of a token. @param bytes {@link TOKEN_BYTES} that nobody can guess */
export function tokenText(bytes: Buffer): string {
  return `${PREFIX}${bytes.toString('base64url')}`;
}

/** Whether a token may do what needs `scope`. */
export function hasScope({ scopes }: Token, scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes('admin');
}
