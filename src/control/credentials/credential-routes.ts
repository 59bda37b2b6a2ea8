// Every API that gives credentials to apps, on one application: turnd's own, and those that apps of other services speak.

import type { Hono } from 'hono';
import { cloudflareRoutes } from './cloudflare.ts';
import type { CredentialApi } from './credential-api.ts';
import { meteredRoutes } from './metered.ts';
import { addOwnCredentialRoutes } from './own-routes.ts';
import { addTurnRestRoutes } from './turn-rest.ts';
import { twilioRoutes } from './twilio.ts';
import { xirsysRoutes } from './xirsys.ts';

/** Adds all routes. */
export function addCredentialRoutes(app: Hono, api: CredentialApi): void {
  addOwnCredentialRoutes(app, api);
  addTurnRestRoutes(app, api);
  // Each with its own form of refusals.
  for (const routes of [cloudflareRoutes, twilioRoutes, xirsysRoutes, meteredRoutes]) app.route('/', routes(api));
}
