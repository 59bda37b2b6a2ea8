// The control API: one Hono application over a running server. It judges the form of requests and puts answers into
// JSON; what they mean is the server's and the administration's business. Whoever may speak to it is decided by whoever
// serves it: a Unix socket is open to those who may write to it.

import { Hono } from 'hono';
import { parseIp } from '../stun/ip-address.ts';
import { AdminError } from './administration.ts';
import type { TokenFinder } from './credentials/credential-api.ts';
import { addCredentialRoutes } from './credentials/credential-routes.ts';
import { isDecodable, rawPath, segment } from './path-segments.ts';
import { ApiError, problemResponse } from './problem.ts';
import {
  endQuery,
  judge,
  logLevelBody,
  nothing,
  readBody,
  readQuery,
  sessionId,
  sessionsQuery,
} from './request-input.ts';
import type { ServerControl } from './server-control.ts';
import { addStoreRoutes, noStore } from './store-routes.ts';

/** What the API is made with. */
export interface ControlAppOptions {
  readonly control: ServerControl;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Who may ask for credentials in the words of other services; null or absent: whoever gets here. */
  readonly tokens?: TokenFinder | null;
  /** Gets what is a fault of the program. */
  readonly report: (error: unknown) => void;
}

/** Makes the application. */
export function makeControlApp({ control, now, report, tokens = null }: ControlAppOptions): Hono {
  const app = new Hono({ getPath: rawPath });
  app.onError((error) => problemResponse(error, report));
  app.notFound(() =>
    problemResponse(new ApiError('not-found', 'there is nothing at this path for this method'), report),
  );
  app.use(async (context, next) => {
    if (!isDecodable(context.req.path)) throw new ApiError('invalid', 'the path is not percent-encoded UTF-8');
    await next();
    // Answers tell of users and secrets: nobody keeps them.
    context.header('cache-control', 'no-store');
  });
  addServerRoutes(app, control);
  addCredentialRoutes(app, {
    source: (realm) => control.iceSource(realm),
    revoke: (username) => control.revoke(username),
    ...{ now, tokens, report },
  });
  addSessionRoutes(app, control);
  addStoreRoutes(app, () => control.administration ?? noStore());
  return app;
}

function addServerRoutes(app: Hono, control: ServerControl): void {
  app.get('/v1/status', async (context) => context.json(await control.status()));
  app.post('/v1/reload', async (context) => {
    await readBody(context, nothing);
    return context.json(await control.reload());
  });
  app.put('/v1/log-level', async (context) => {
    const { level } = await readBody(context, logLevelBody);
    await control.setLogLevel(level);
    return context.json({ level });
  });
}

function addSessionRoutes(app: Hono, control: ServerControl): void {
  app.get('/v1/sessions', async (context) => {
    const query = readQuery(context, sessionsQuery);
    const { user = null, realm = null, transport = null, after, limit } = query;
    const client = query.client === undefined ? null : (parseIp(query.client)?.text ?? query.client);
    const sessions = await control.sessions({ user, realm, client, transport, after, limit });
    // A full page may have a next one.
    const next = sessions.length < limit ? null : (sessions.at(-1)?.id ?? null);
    return context.json({ sessions, next });
  });
  app.delete('/v1/sessions', async (context) => {
    const { user, realm = null } = readQuery(context, endQuery);
    return context.json({ ended: await control.end({ user, realm }) });
  });
  app.get('/v1/sessions/:id', async (context) => {
    const { id } = judge(sessionId, { id: segment(context, 'id') }, 'the path');
    const session = await control.session(id);
    if (session === null) throw noSession(id);
    return context.json(session);
  });
  app.delete('/v1/sessions/:id', async (context) => {
    const { id } = judge(sessionId, { id: segment(context, 'id') }, 'the path');
    const ended = await control.end({ id });
    if (ended === 0) throw noSession(id);
    return context.json({ ended });
  });
}

function noSession(id: number): AdminError {
  return new AdminError('not-found', `there is no session ${id}`);
}
