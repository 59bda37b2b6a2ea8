// The credential APIs that apps of other services speak, on one application beside the table of routes.

import { Hono } from 'hono';
import type { Mount } from '../control-app.ts';
import { cloudflareRoutes } from './cloudflare.ts';
import type { CredentialApi } from './credential-api.ts';
import { meteredRoutes } from './metered.ts';
import { addTurnRestRoutes } from './turn-rest.ts';
import { twilioRoutes } from './twilio.ts';
import { xirsysRoutes } from './xirsys.ts';

const PATHS: readonly string[] = Object.freeze([
  '/turn',
  '/v1/turn/keys/:id/credentials/*',
  '/2010-04-01/Accounts/:sid/Tokens.json',
  '/_turn/*',
  '/api/v1/turn/*',
]);

/** Makes the mount. Every login is one of `api.tokens`, a refused one is answered 401. */
export function makeCredentialMount(api: CredentialApi): Mount {
  const app = new Hono();
  addTurnRestRoutes(app, api);
  // Each with its own form of refusals.
  for (const routes of [cloudflareRoutes, twilioRoutes, xirsysRoutes, meteredRoutes]) app.route('/', routes(api));
  return { app, paths: PATHS, scope: null };
}
