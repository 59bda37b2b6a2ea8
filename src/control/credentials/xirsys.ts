// Credentials in the form of Xirsys: ident and secret of theirs are name and text of a token here, and the channel is
// whatever the app calls it.

import { Hono } from 'hono';
import { z } from 'zod';
import { MAX_TTL_SECONDS } from '../ice-credentials.ts';
import { describeFault } from '../problem.ts';
import { readJson } from '../request-input.ts';
import { basicOf, type CredentialApi, checkToken, issue } from './credential-api.ts';

const seconds = z.int().min(1).max(MAX_TTL_SECONDS);
const body = z.object({
  format: z.string().optional(),
  expire: z
    .union(
      [
        seconds,
        z
          .string()
          .regex(/^\d{1,8}$/)
          .transform(Number)
          .pipe(seconds),
      ],
      {
        error: `must be a number of seconds from 1 to ${MAX_TTL_SECONDS}`,
      },
    )
    .default(86_400),
});

/** Makes the route. */
export function xirsysRoutes(api: CredentialApi): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    const { status, detail, headers } = describeFault(error, api.report);
    return context.json({ v: status === 401 ? 'unauthorized' : detail, s: 'error' }, status, headers);
  });
  // A channel may be below another one: its path has slashes.
  app.put('/_turn/:channel{.+}', async (context) => {
    const basic = basicOf(context.req.header('authorization'));
    checkToken(api, basic?.secret ?? null, (name) => name === basic?.name);
    const { format, expire } = await readJson(context.req.raw, body);
    const { stunUrls, turnUrls, username, password } = await issue(api, { ttlSeconds: expire });
    const iceServers =
      format === 'urls'
        ? { username, urls: [...stunUrls, ...turnUrls], credential: password }
        : [...stunUrls.map((url) => ({ url })), ...turnUrls.map((url) => ({ username, url, credential: password }))];
    return context.json({ v: { iceServers }, s: 'ok' });
  });
  return app;
}
