// The control API: one Hono application over a running server, made of a table of routes. It judges the form of requests and
// puts answers into JSON; what they mean is the server's and the administration's business. On the Unix socket whoever may
// write to its file has full rights; on TCP a guard decides.

import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { z } from 'zod';
import type { Scope } from '../config/api-tokens.ts';
import { DOCS_POLICY, makeDocsPage } from './docs-page.ts';
import { eventRoutes } from './event-routes.ts';
import { demand, type NetworkGuard } from './network-guard.ts';
import { oauthKeyRoutes } from './oauth-key-routes.ts';
import { makeOpenApi } from './openapi.ts';
import { isDecodable, rawPath } from './path-segments.ts';
import { ApiError, problemResponse } from './problem.ts';
import { realmRoutes } from './realm-routes.ts';
import { type Rights, type Route, route } from './route.ts';
import type { ServerControl } from './server-control.ts';
import { serverRoutes } from './server-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { noStore, storeRoutes } from './store-routes.ts';
import { tokenRoutes } from './token-routes.ts';

/** For so long a browser need not ask again whether it may ask. */
const CORS_SECONDS = 600;

/** What the API is made with. */
export interface ControlAppOptions {
  readonly control: ServerControl;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Gets what is a fault of the program. */
  readonly report: (error: unknown) => void;
  /** Who lets requests in; null where all that come have full rights. */
  readonly guard?: NetworkGuard | null;
  /**
   * Applications with paths and logins of their own (credential endpoints in the forms of others). They come behind the
   * guard's judgement of Host, Origin and failed logins, and are not in the document. Each login must end in a token of
   * the TokenStore with the scope `credentials`, and a refused one in a 401.
   */
  readonly mounts?: readonly Mount[];
}

/** An application beside the table of routes. */
export interface Mount {
  readonly app: Hono;
  /** Its paths, with parameters as in `/v1/turn/keys/:key`; a star at the end is for whatever follows. */
  readonly paths: readonly string[];
  /** What a token must have for it; null where it sees to that itself: then pages of control.cors-origins may ask it. */
  readonly scope: Scope | null;
}

/** Makes the application. */
export function makeControlApp({ control, now, report, guard = null, mounts = [] }: ControlAppOptions): Hono {
  const app = new Hono({ getPath: rawPath });
  app.onError((error) => problemResponse(error, report));
  app.notFound(() =>
    problemResponse(new ApiError('not-found', 'there is nothing at this path for this method'), report),
  );
  const routes = controlRoutes(control, now);
  app.use(async (context, next) => {
    if (!isDecodable(context.req.path)) throw new ApiError('invalid', 'the path is not percent-encoded UTF-8');
    await next();
    // Answers tell of users and secrets: nobody keeps them, and no browser takes them for anything else.
    context.header('cache-control', 'no-store');
    context.header('x-content-type-options', 'nosniff');
  });
  if (guard !== null) addGuard(app, guard, [...corsPathsOf(routes), ...openPathsOf(mounts)]);
  for (const one of routes) addRoute(app, one, guard);
  for (const mount of mounts) addMount(app, mount, guard);
  return app;
}

/** The table of all routes. */
export function controlRoutes(control: ServerControl, now: () => number): readonly Route[] {
  const administration = () => control.administration ?? noStore();
  const routes: Route[] = [
    ...serverRoutes(control, now),
    ...sessionRoutes(control),
    ...eventRoutes(control),
    ...storeRoutes(administration),
    ...realmRoutes(administration),
    ...oauthKeyRoutes(administration),
    ...tokenRoutes(control.tokens),
  ];
  return addDocs(routes);
}

// They describe themselves too; the texts are made when they are first asked for.
function addDocs(routes: Route[]): readonly Route[] {
  const about = { method: 'get', tag: 'document', scope: null, status: 200 } as const;
  let document: ReturnType<typeof makeOpenApi> | null = null;
  const made = (): ReturnType<typeof makeOpenApi> => {
    document ??= makeOpenApi(routes);
    return document;
  };
  routes.push(
    route({
      ...{ ...about, path: '/v1/openapi.json', id: 'getDocument', summary: 'This document.' },
      answer: z.record(z.string(), z.unknown()),
      handle: made,
    }),
    route({
      ...{ ...about, path: '/v1/docs', id: 'getDocsPage', summary: 'The same for people.', produces: 'text/html' },
      answer: z.string(),
      handle: () => makeDocsPage(routes, made()),
    }),
  );
  return routes;
}

function addRoute(app: Hono, one: Route, guard: NetworkGuard | null): void {
  const { method, path, scope, produces } = one;
  app.on(method.toUpperCase(), path, async (context) => {
    if (produces === 'text/html') context.header('content-security-policy', DOCS_POLICY);
    if (guard === null || scope === null) return one.run(context, everything);
    const token = guard.authorize(context, scope);
    const stillMay = guard.stillMay(context, scope);
    return one.run(context, { demand: (more) => demand(token, more), stillMay });
  });
}

const everything: Rights = { demand: () => {}, stillMay: () => true };

function addMount(app: Hono, { app: mounted, paths, scope }: Mount, guard: NetworkGuard | null): void {
  for (const path of guard === null ? [] : paths) {
    app.use(path, async (context, next) => {
      if (scope === null) return guard?.watch(context, next);
      guard?.authorize(context, scope);
      return next();
    });
  }
  app.route('/', mounted);
}

function addGuard(app: Hono, guard: NetworkGuard, corsPaths: readonly string[]): void {
  const forms = corsPaths.map(formOf);
  app.use(async (context, next) => {
    const origin = guard.admit(
      context,
      forms.some((form) => form.test(context.req.path)),
    );
    if (origin === null) return next();
    const allowed = cors({
      origin,
      allowMethods: ['GET', 'POST', 'PUT', 'DELETE'],
      allowHeaders: ['authorization', 'content-type'],
      maxAge: CORS_SECONDS,
    });
    return allowed(context, next);
  });
}

function formOf(path: string): RegExp {
  const literal = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replace(/:\w+/g, '[^/]+').replace(/\\\*$/, '.*')}$`);
}

function openPathsOf(mounts: readonly Mount[]): readonly string[] {
  return mounts.filter(({ scope }) => scope === null).flatMap(({ paths }) => paths);
}

function corsPathsOf(routes: readonly Route[]): readonly string[] {
  return routes.filter(({ scope }) => scope === 'credentials').map(({ path }) => path);
}
