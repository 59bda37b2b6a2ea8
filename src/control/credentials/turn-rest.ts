// Credentials in the form of the TURN REST draft (draft-uberti-behave-turn-rest-00 §2): its key is a token here.

import type { Hono } from 'hono';
import { z } from 'zod';
import { MAX_TTL_SECONDS } from '../ice-credentials.ts';
import { fieldsOf, judge, readForm } from '../request-input.ts';
import { type CredentialApi, checkToken, issue } from './credential-api.ts';

const request = z.object({
  service: z.literal('turn', { error: 'must be turn' }),
  username: z.string().optional(),
  key: z.string().optional(),
  ttl: z
    .string()
    .regex(/^\d{1,8}$/, 'must be a whole number of seconds')
    .transform(Number)
    .pipe(z.int().min(1).max(MAX_TTL_SECONDS))
    .prefault('86400'),
});
const anything = z.record(z.string(), z.string());

/** Makes the route. The draft has no form for refusals: they are problem details, as in the rest of the API. */
export function addTurnRestRoutes(app: Hono, api: CredentialApi): void {
  app.on(['GET', 'POST'], '/turn', async (context) => {
    const query = fieldsOf(new URLSearchParams(context.req.raw.url.replace(/^[^?]*/, '')), 'the query');
    // A key in the query is looked at before anything is read.
    const isInBody = context.req.method === 'POST' && query['key'] === undefined;
    if (!isInBody) checkToken(api, query['key'] ?? null);
    const form = context.req.method === 'POST' ? await readForm(context.req.raw, anything) : {};
    const { username, key, ttl } = judge(request, { ...form, ...query }, 'the request');
    if (isInBody) checkToken(api, key ?? null);
    const made = await issue(api, { ttlSeconds: ttl, userId: username ?? null });
    return context.json({ username: made.username, password: made.password, ttl, uris: made.turnUrls });
  });
}
