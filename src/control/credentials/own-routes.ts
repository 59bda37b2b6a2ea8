// turnd's own credential routes: `POST /v1/credentials`, and their end before their time. Who may use them is decided by
// whoever serves the control API, as for all of `/v1`.

import type { Hono } from 'hono';
import { makeCredentials } from '../ice-credentials.ts';
import { segment } from '../path-segments.ts';
import { credentialsBody, readBody } from '../request-input.ts';
import type { CredentialApi } from './credential-api.ts';

/** Adds the routes. */
export function addOwnCredentialRoutes(app: Hono, api: CredentialApi): void {
  app.post('/v1/credentials', async (context) => {
    const { ttl, user, label, host, realm } = await readBody(context, credentialsBody);
    const source = await api.source(realm);
    return context.json(makeCredentials(source, { ttlSeconds: ttl, userId: user, label, host, realm }, api.now()), 201);
  });
  app.delete('/v1/credentials/:username', async (context) => {
    return context.json({ ended: await api.revoke(segment(context, 'username')) });
  });
}
