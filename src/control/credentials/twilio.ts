// Credentials in the form of Twilio's Network Traversal Service: an account of theirs is a token here. Its SID is the
// token's name, or made of it where a client insists on Twilio's form.

import { createHash } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { segment } from '../path-segments.ts';
import { ApiError, describeFault, type Fault } from '../problem.ts';
import { readForm } from '../request-input.ts';
import { basicOf, type CredentialApi, checkToken, issue } from './credential-api.ts';

/** A day: the longest that Twilio gives, and the default. */
const MAX_TTL_SECONDS = 86_400;
const TOKENS = '/2010-04-01/Accounts/:sid/Tokens.json';

const form = z.object({
  Ttl: z
    .string()
    .regex(/^\d{1,6}$/, 'must be a whole number of seconds')
    .transform(Number)
    .pipe(z.int().min(1).max(MAX_TTL_SECONDS))
    .prefault(String(MAX_TTL_SECONDS)),
});

/** Twilio's own numbers for what goes wrong, by HTTP status. */
const CODES: Readonly<Record<number, number>> = Object.freeze({
  400: 20_422,
  401: 20_003,
  403: 20_006,
  404: 20_404,
  405: 20_004,
  413: 20_422,
  429: 20_429,
  503: 20_503,
});
const INTERNAL_ERROR = 20_500;

/** The account SID of a token: `AC` and the first 32 hexadecimal digits of its name's SHA-256. */
export function accountSid(tokenName: string): string {
  return `AC${digits(tokenName)}`;
}

/** Makes the route. */
export function twilioRoutes(api: CredentialApi): Hono {
  const app = new Hono();
  app.onError((error, context) => refuse(context, describeFault(error, api.report)));
  app.on(['GET', 'PUT', 'DELETE'], TOKENS, (context) =>
    refuse(context, { status: 405, detail: 'Method not allowed: tokens are made with POST', headers: {} }),
  );
  app.post(TOKENS, async (context) => {
    const sid = segment(context, 'sid');
    authenticate(api, sid, context.req.header('authorization'));
    const { Ttl: ttl } = await readForm(context.req.raw, form);
    const { stunUrls, turnUrls, username, password } = await issue(api, { ttlSeconds: ttl });
    const date = new Date(api.now()).toUTCString().replace('GMT', '+0000');
    const stun = stunUrls.map((url) => ({ url, urls: url }));
    const turn = turnUrls.map((url) => ({ url, urls: url, username, credential: password }));
    const dates = { date_created: date, date_updated: date };
    const ice_servers = [...stun, ...turn];
    return context.json({ account_sid: sid, username, password, ttl: String(ttl), ...dates, ice_servers }, 201);
  });
  return app;
}

// As an account (SID and token), or with an API key of it (SK…).
function authenticate(api: CredentialApi, sid: string, header: string | undefined): void {
  const basic = basicOf(header);
  const isOf = (name: string): boolean =>
    [name, accountSid(name)].includes(sid) && (basic?.name === sid || basic?.name === `SK${digits(name)}`);
  try {
    checkToken(api, basic?.secret ?? null, isOf);
  } catch (error) {
    if (!(error instanceof ApiError && error.fault === 'unauthorized')) throw error;
    throw new ApiError('unauthorized', 'Authenticate');
  }
}

function digits(tokenName: string): string {
  return createHash('sha256').update(tokenName, 'utf8').digest('hex').slice(0, 32);
}

function refuse(context: Context, { status, detail, headers }: Pick<Fault, 'status' | 'detail' | 'headers'>) {
  const code = CODES[status] ?? INTERNAL_ERROR;
  const more_info = `https://www.twilio.com/docs/errors/${code}`;
  if (status === 401) context.header('www-authenticate', 'Basic realm="turnd"');
  return context.json({ code, message: detail, more_info, status }, status, headers);
}
