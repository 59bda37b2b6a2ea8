// Credentials in the form of Cloudflare Realtime TURN: a key of theirs is a token here, its id the token's name.

import { Hono } from 'hono';
import { z } from 'zod';
import { segment } from '../path-segments.ts';
import { describeFault } from '../problem.ts';
import { readJson } from '../request-input.ts';
import { bearerOf, type CredentialApi, checkToken, issue } from './credential-api.ts';

/** Two days: the longest that Cloudflare gives. */
const MAX_TTL_SECONDS = 172_800;
/** Of Cloudflare's API, for whoever is not let in. */
const AUTHENTICATION_ERROR = 10_000;

const body = z.object({
  ttl: z.int().min(1).max(MAX_TTL_SECONDS).default(86_400),
  customIdentifier: z.string().nullable().default(null),
});

/** Makes the routes below `/v1/turn/keys/:id/credentials`. */
export function cloudflareRoutes(api: CredentialApi): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    const { status, detail, headers } = describeFault(error, api.report);
    const code = status === 401 || status === 403 ? AUTHENTICATION_ERROR : status;
    const envelope = { success: false, errors: [{ code, message: detail }], messages: [], result: null };
    return context.json(envelope, status, headers);
  });
  app.use('/v1/turn/keys/:id/credentials/*', async (context, next) => {
    const id = segment(context, 'id');
    checkToken(api, bearerOf(context.req.header('authorization')), (name) => name === id);
    await next();
  });
  const make = async (request: Request) => {
    const { ttl, customIdentifier } = await readJson(request, body);
    return issue(api, { ttlSeconds: ttl, userId: customIdentifier });
  };
  app.post('/v1/turn/keys/:id/credentials/generate-ice-servers', async (context) => {
    const { stunUrls, turnUrls, username, password } = await make(context.req.raw);
    const stun = stunUrls.length === 0 ? [] : [{ urls: stunUrls }];
    return context.json({ iceServers: [...stun, { urls: turnUrls, username, credential: password }] }, 201);
  });
  app.post('/v1/turn/keys/:id/credentials/generate', async (context) => {
    const { stunUrls, turnUrls, username, password } = await make(context.req.raw);
    return context.json({ iceServers: { urls: [...stunUrls, ...turnUrls], username, credential: password } }, 201);
  });
  app.post('/v1/turn/keys/:id/credentials/:username/revoke', async (context) => {
    await api.revoke(segment(context, 'username'));
    return context.body(null, 204);
  });
  return app;
}
