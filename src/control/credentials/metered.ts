// Credentials in the form of Metered: the secret key of theirs is a token here. Each credential has an API key of its own
// that a browser may hold: it is the credential itself in another spelling, so nothing has to be kept of it.

import { timingSafeEqual } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { readRestUsername } from '../../auth/rest-username.ts';
import { restPassword } from '../../stun/keys.ts';
import { MAX_TTL_SECONDS } from '../ice-credentials.ts';
import { describeFault } from '../problem.ts';
import { readJson } from '../request-input.ts';
import type { IceSource } from '../server-control.ts';
import { type CredentialApi, checkToken, issue } from './credential-api.ts';

const CREATE = '/api/v1/turn/credential';
const LIST = '/api/v1/turn/credentials';
/** Of base64(HMAC-SHA1). */
const PASSWORD_LENGTH = 28;

const body = z.object({
  // Metered's last for ever if nothing is said; a year is the most that turnd gives.
  expiryInSeconds: z.int().min(1).max(MAX_TTL_SECONDS).default(MAX_TTL_SECONDS),
  label: z.string().nullable().default(null),
});
const named = z.object({ username: z.string() });

interface Login {
  readonly username: string;
  readonly password: string;
}

/** Makes the routes. */
export function meteredRoutes(api: CredentialApi): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    const { status, detail, headers } = describeFault(error, api.report);
    // Who asked for a list may be a browser, from a page of any origin.
    if (context.req.path === LIST) context.header('access-control-allow-origin', '*');
    const isKey = status === 401;
    const what = context.req.path === LIST ? 'API' : 'Secret';
    return context.json(isKey ? { error: `Invalid ${what} Key` } : { message: detail }, status, headers);
  });
  app.post(CREATE, async (context) => {
    checkToken(api, context.req.query('secretKey') ?? null);
    const { expiryInSeconds, label } = await readJson(context.req.raw, body);
    const { username, password } = await issue(api, { ttlSeconds: expiryInSeconds, label });
    const apiKey = apiKeyOf({ username, password });
    return context.json({ username, password, expiryInSeconds, ...(label === null ? {} : { label }), apiKey });
  });
  app.get(LIST, async (context) => {
    context.header('access-control-allow-origin', '*');
    const presented = context.req.query('apiKey') ?? null;
    const source = await api.source(null);
    return context.json(
      entriesOf(source.urls, readApiKey(presented, source, api.now()) ?? (await fresh(api, presented))),
    );
  });
  const revoke = async (context: Context) => {
    checkToken(api, context.req.query('secretKey') ?? null);
    const { username } = await readJson(context.req.raw, named);
    await api.revoke(username);
    return context.json({ success: true, message: 'Credential is revoked' });
  };
  app.delete(CREATE, revoke);
  app.post(`${CREATE}/disable`, revoke);
  return app;
}

// With a token in place of the key of a credential: a new one, for a day.
async function fresh(api: CredentialApi, presented: string | null): Promise<Login> {
  checkToken(api, presented);
  return issue(api, { ttlSeconds: 86_400 });
}

function entriesOf(urls: readonly string[], { username, password }: Login): object[] {
  return urls.map((url) => (url.startsWith('stun') ? { urls: url } : { urls: url, username, credential: password }));
}

function apiKeyOf({ username, password }: Login): string {
  return Buffer.from(`${password}${username}`).toString('base64url');
}

/** The credential that a key stands for, if it counts now under any of the secrets. */
function readApiKey(key: string | null, { secrets, separator, isRevoked }: IceSource, now: number): Login | null {
  const text = Buffer.from(key ?? '', 'base64url').toString('utf8');
  const [password, username] = [text.slice(0, PASSWORD_LENGTH), text.slice(PASSWORD_LENGTH)];
  const expiry = readRestUsername(username, separator)?.expiry ?? 0;
  if (expiry * 1000 <= now || isRevoked(username)) return null;
  const isMade = secrets.some((secret) => isSame(restPassword(secret, username), password));
  return isMade ? { username, password } : null;
}

function isSame(left: string, right: string): boolean {
  const [first, second] = [Buffer.from(left), Buffer.from(right)];
  return first.length === second.length && timingSafeEqual(first, second);
}
