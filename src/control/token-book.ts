// All tokens that count: those of the state directory's file and those of the configuration. A file that another process
// has changed is read again within half a second; a file that cannot be read lets nobody in.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type ConfiguredToken, SCOPES, TOKEN_NAME, tokenHash } from '../config/api-tokens.ts';
import { quote } from './admin-input.ts';
import { AdminError } from './administration.ts';
import { readTokenFile, tokenFileVersion, writeTokenFile } from './token-file.ts';
import {
  type NewToken,
  type StoredToken,
  TOKEN_BYTES,
  type Token,
  type TokenAdministration,
  type TokenStore,
  type TokenView,
  type TokenWish,
  tokenText,
} from './tokens.ts';

/** What a book is made with. */
export interface TokenBookOptions {
  /** Absolute path of the file. It may not exist. */
  readonly path: string;
  /** Those of the configuration, as it is now. */
  readonly configured: () => readonly ConfiguredToken[];
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Takes one sentence for the log: why the file is not used. */
  readonly report: (message: string) => void;
}

/** No text longer than this is hashed: the tokens of turnd have 49 characters, those of a configuration are passwords. */
const MAX_TEXT = 1024;
const MAX_TOKENS = 1000;
/** A file that changed is noticed by then. */
const LOOK_EVERY_MS = 500;
/** As exact as the time of last use is: each note is a write. */
const NOTE_EVERY_MS = 60_000;

/** Tokens. Calls from several places follow one another. */
export class TokenBook implements TokenStore, TokenAdministration {
  readonly #options: TokenBookOptions;
  #stored: ReadonlyMap<string, StoredToken> = new Map();
  #version: string | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #told = '';
  #work: Promise<unknown> = Promise.resolve();
  /** Uses by hash that are not written yet. */
  readonly #used = new Map<string, number>();

  constructor(options: TokenBookOptions) {
    this.#options = options;
    this.#look();
  }

  find(presented: string): Token | null {
    if (presented === '' || presented.length > MAX_TEXT) return null;
    this.#look();
    const hash = tokenHash(presented);
    const configured = this.#options.configured().find((token) => isSame(token.hash, hash));
    if (configured !== undefined) return view(configured);
    const stored = this.#stored.get(hash);
    if (stored === undefined || !isSame(stored.hash, hash) || this.#hasExpired(stored)) return null;
    this.#note(stored);
    return view(stored);
  }

  async listTokens(): Promise<readonly TokenView[]> {
    const stored = readTokenFile(this.#options.path);
    return [...this.#options.configured().map(viewOfConfigured), ...stored.map((token) => this.#viewOfStored(token))];
  }

  async addToken({ name, scopes, expiresAt }: TokenWish): Promise<NewToken> {
    const now = this.#options.now();
    if (!TOKEN_NAME.test(name))
      throw new AdminError('invalid', 'the name of a token has up to 64 letters, digits, and . _ @ - inside');
    if (scopes.length === 0) throw new AdminError('invalid', 'a token needs a scope: credentials, read or admin');
    if (expiresAt !== null && !(Number.isSafeInteger(expiresAt) && expiresAt > now))
      throw new AdminError('invalid', 'the token would have expired already');
    const text = tokenText(randomBytes(TOKEN_BYTES));
    const added: StoredToken = {
      ...{ name, scopes: SCOPES.filter((scope) => scopes.includes(scope)), hash: tokenHash(text) },
      ...{ createdAt: now, expiresAt, lastUsedAt: null },
    };
    await this.#change((stored) => {
      if (this.#isConfigured(name)) throw inConfiguration(name);
      if (stored.some((token) => token.name === name))
        throw new AdminError('conflict', `there is a token ${quote(name)} already`);
      if (stored.length >= MAX_TOKENS) throw new AdminError('conflict', `there are ${MAX_TOKENS} tokens already`);
      return [...stored, added];
    });
    return { ...viewOfStored(added), token: text };
  }

  async removeToken(name: string): Promise<TokenView> {
    let removed: StoredToken | undefined;
    await this.#change((stored) => {
      removed = stored.find((token) => token.name === name);
      if (removed === undefined && this.#isConfigured(name)) throw inConfiguration(name);
      return stored.filter((token) => token !== removed);
    });
    if (removed === undefined) throw new AdminError('not-found', `there is no token ${quote(name)}`);
    return viewOfStored(removed);
  }

  /** Resolves when all that was begun is written. Never rejects. */
  async settled(): Promise<void> {
    await this.#work.catch(() => {});
  }

  #isConfigured(name: string): boolean {
    return this.#options.configured().some((token) => token.name === name);
  }

  #hasExpired({ expiresAt }: StoredToken): boolean {
    return expiresAt !== null && expiresAt <= this.#options.now();
  }

  // Notes of use that are not written yet are shown too.
  #viewOfStored(token: StoredToken): TokenView {
    return viewOfStored({ ...token, lastUsedAt: this.#used.get(token.hash) ?? token.lastUsedAt });
  }

  #look(): void {
    const { now, path, report } = this.#options;
    const since = now() - this.#lookedAt;
    if (since >= 0 && since < LOOK_EVERY_MS) return;
    this.#lookedAt = now();
    try {
      const version = tokenFileVersion(path);
      if (version === this.#version) return;
      this.#take(readTokenFile(path));
      this.#version = version;
      this.#told = '';
    } catch (error) {
      this.#take([]);
      this.#version = null;
      const message = error instanceof Error ? error.message : String(error);
      if (message !== this.#told) report(message);
      this.#told = message;
    }
  }

  #take(tokens: readonly StoredToken[]): void {
    this.#stored = new Map(tokens.map((token) => [token.hash, token]));
  }

  #note({ hash, lastUsedAt }: StoredToken): void {
    const { now, report } = this.#options;
    const last = this.#used.get(hash) ?? lastUsedAt ?? Number.NEGATIVE_INFINITY;
    if (Math.abs(now() - last) < NOTE_EVERY_MS) return;
    this.#used.set(hash, now());
    this.#change((stored) => stored).catch((error: unknown) =>
      report(error instanceof Error ? error.message : String(error)),
    );
  }

  /** One change after another, each made to what is in the file now. */
  #change(change: (stored: readonly StoredToken[]) => readonly StoredToken[]): Promise<void> {
    const done = this.#work.catch(() => {}).then(() => this.#rewrite(change));
    this.#work = done;
    return done;
  }

  async #rewrite(change: (stored: readonly StoredToken[]) => readonly StoredToken[]): Promise<void> {
    const { path } = this.#options;
    const next = change(readTokenFile(path)).map((token) => {
      const lastUsedAt = Math.max(this.#used.get(token.hash) ?? 0, token.lastUsedAt ?? 0);
      return lastUsedAt === 0 ? token : { ...token, lastUsedAt };
    });
    await writeTokenFile(path, next);
    this.#take(next);
    this.#used.clear();
    this.#version = tokenFileVersion(path);
  }
}

function view({ name, scopes }: Token): Token {
  return { name, scopes };
}

function viewOfStored({ name, scopes, createdAt, expiresAt, lastUsedAt }: StoredToken): TokenView {
  return { name, scopes, isConfigured: false, createdAt, expiresAt, lastUsedAt };
}

function viewOfConfigured({ name, scopes }: ConfiguredToken): TokenView {
  return { name, scopes, isConfigured: true, createdAt: null, expiresAt: null, lastUsedAt: null };
}

function isSame(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left, 'hex'), Buffer.from(right, 'hex'));
}

function inConfiguration(name: string): AdminError {
  return new AdminError('conflict', `token ${quote(name)} is in the configuration file: change or remove it there`);
}
