// Who may ask what over TCP: names in Host (DNS rebinding), origins of web pages (cross-site requests), bearer tokens and
// their scopes, and how often (SECURITY.md S57). No cookie is ever set or read. The Unix socket needs none of it.

import type { IncomingMessage } from 'node:http';
import type { Context, Next } from 'hono';
import type { Scope } from '../config/api-tokens.ts';
import type { Config } from '../config/config.ts';
import { LoginFailures } from './login-failures.ts';
import { ApiError } from './problem.ts';
import { addressOf, sourceOf } from './source.ts';
import { TokenRates } from './token-rates.ts';
import { hasScope, type Token, type TokenStore } from './tokens.ts';

/** What a guard is made with. */
export interface NetworkGuardOptions {
  readonly tokens: TokenStore;
  /** As the configuration is now. */
  readonly settings: () => Pick<Config['control'], 'listen' | 'hosts' | 'corsOrigins' | 'requestsPerSecond'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Gets the address of whoever tries out tokens and has to wait from now on. */
  readonly onGuessing: (address: string) => void;
}

const WILDCARDS: readonly string[] = Object.freeze(['*', '0.0.0.0', '::']);

/** Guards an application that is served on TCP. One for all its listeners: a source is counted once. */
export class NetworkGuard implements TokenStore {
  readonly #options: NetworkGuardOptions;
  readonly #failures: LoginFailures;
  readonly #rates: TokenRates;

  constructor(options: NetworkGuardOptions) {
    this.#options = options;
    this.#failures = new LoginFailures(options.now);
    this.#rates = new TokenRates(options.now);
  }

  /**
   * Judges what browsers say of a request. @param isCors whether pages of other origins may be allowed here
   * @returns the foreign origin that is allowed, or null if there is none
   * @throws ApiError forbidden
   */
  admit(context: Context, isCors: boolean): string | null {
    const host = context.req.header('host') ?? '';
    if (!this.#isOurHost(host, context)) {
      const advice = 'name it in control.hosts if it is';
      throw new ApiError('forbidden', `the name in Host is not one of this server: ${advice}`);
    }
    const origin = context.req.header('origin');
    if (origin === undefined || isSameOrigin(origin, host)) return null;
    if (isCors && this.#options.settings().corsOrigins.includes(origin)) return origin;
    throw new ApiError(
      'forbidden',
      'web pages of this origin may not ask this: control.cors-origins names those that may',
    );
  }

  /** The token that a request presents. @throws ApiError unauthorized, forbidden without the scope, too-many */
  authorize(context: Context, scope: Scope): Token {
    const source = sourceFrom(context);
    this.#refuseGuessers(source);
    const presented = bearerOf(context.req.header('authorization'));
    if (presented === null) throw unauthorized('this needs a token: Authorization: Bearer …', '');
    const token = this.#options.tokens.find(presented);
    if (token === null) {
      this.#fail(source, context);
      throw unauthorized('the token is unknown, or has expired', ', error="invalid_token"');
    }
    this.#count(token);
    demand(token, scope);
    return token;
  }

  /** Tells, for an answer that goes on, whether the token that a request presents still counts and has the scope. */
  stillMay(context: Context, scope: Scope): () => boolean {
    const presented = bearerOf(context.req.header('authorization')) ?? '';
    return () => {
      const token = this.#options.tokens.find(presented);
      return token !== null && hasScope(token, scope);
    };
  }

  /**
   * For applications with logins of their own, behind {@link watch}: as that of the store, and it counts as a request.
   * @throws ApiError too-many
   */
  find(presented: string): Token | null {
    const token = this.#options.tokens.find(presented);
    if (token !== null) this.#count(token);
    return token;
  }

  /**
   * For applications with logins of their own: a source that has failed too often does not reach them, and each answer
   * 401 to one that presented something counts as a failure.
   */
  async watch(context: Context, next: Next): Promise<void> {
    const source = sourceFrom(context);
    this.#refuseGuessers(source);
    await next();
    const { req } = context;
    const hasPresented = req.header('authorization') !== undefined || req.url.includes('?') || hasBody(context);
    if (context.res.status === 401 && hasPresented) this.#fail(source, context);
  }

  #count({ name }: Token): void {
    if (this.#rates.take(name, this.#options.settings().requestsPerSecond)) return;
    throw new ApiError('too-many', 'too many requests with this token', { 'retry-after': '1' });
  }

  #refuseGuessers(source: string): void {
    const seconds = this.#failures.wait(source);
    if (seconds === 0) return;
    throw new ApiError('too-many', 'too many wrong tokens from this address', { 'retry-after': String(seconds) });
  }

  #fail(source: string, context: Context): void {
    if (!this.#failures.add(source)) return;
    this.#options.onGuessing(remoteOf(context));
  }

  #isOurHost(host: string, context: Context): boolean {
    const name = (/^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(host)?.[1] ?? '').toLowerCase().replace(/^\[(.*)\]$/, '$1');
    if (name === '') return false;
    const { hosts, listen } = this.#options.settings();
    // A name that an attacker's DNS leads here is no address: an address cannot be rebound.
    const local = addressOf(incomingOf(context)?.socket.localAddress);
    const isListed = hosts.includes(name) || listen.some(({ host: one }) => one === name && !WILDCARDS.includes(one));
    return name === 'localhost' || name === local || isListed;
  }
}

/** @throws ApiError forbidden, which names the scope */
export function demand(token: Token, scope: Scope): void {
  if (hasScope(token, scope)) return;
  throw new ApiError('forbidden', `this needs a token with the scope ${scope}`, {
    'www-authenticate': `Bearer realm="turnd", error="insufficient_scope", scope="${scope}"`,
  });
}

function unauthorized(message: string, error: string): ApiError {
  return new ApiError('unauthorized', message, { 'www-authenticate': `Bearer realm="turnd"${error}` });
}

function bearerOf(header: string | undefined): string | null {
  return /^bearer +([\x21-\x7e]+)$/i.exec(header ?? '')?.[1] ?? null;
}

// A form may hold a key.
function hasBody({ req }: Context): boolean {
  return (req.header('content-length') ?? '0') !== '0' || req.header('transfer-encoding') !== undefined;
}

function isSameOrigin(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

function sourceFrom(context: Context): string {
  return sourceOf(incomingOf(context)?.socket.remoteAddress);
}

function remoteOf(context: Context): string {
  return addressOf(incomingOf(context)?.socket.remoteAddress);
}

function incomingOf(context: Context): IncomingMessage | undefined {
  return (context.env as { readonly incoming?: IncomingMessage } | undefined)?.incoming;
}
