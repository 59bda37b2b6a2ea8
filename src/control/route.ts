// How routes of the API are declared: once, with their schemas and scope, so that what is served and the OpenAPI document
// follow from the same words. Knows no route.

import type { Context } from 'hono';
import type { z } from 'zod';
import type { Scope } from '../config/api-tokens.ts';
import { segment } from './path-segments.ts';
import type { ProblemFault } from './problem.ts';
import { readBody, readQuery } from './request-input.ts';

/** Demands a scope of whoever asks. @throws ApiError forbidden */
export type Demand = (scope: Scope) => void;

/** What whoever asks may do. */
export interface Rights {
  readonly demand: Demand;
  /** Whether he still may, for answers that go on. */
  readonly stillMay: () => boolean;
}

/** A request, judged. */
export interface RouteInput<Q, B> {
  readonly query: Q;
  readonly body: B;
  /** A parameter of the path, decoded. @throws ApiError */
  readonly segment: (name: string) => string;
  /** A header of the request, or null. */
  readonly header: (name: string) => string | null;
  /** Of whoever asks: for what needs more than the route's scope, or goes on. */
  readonly rights: Rights;
}

/** What a route is for readers of the document. */
export interface RouteFacts {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With parameters as in `/v1/sessions/:id`. */
  readonly path: string;
  /** What programs call it by: unique. */
  readonly id: string;
  readonly tag: string;
  /** One sentence. */
  readonly summary: string;
  /** What a token must have for it; null = it is for everyone. */
  readonly scope: Scope | null;
  /** Of a request that succeeded. */
  readonly status: 200 | 201 | 204;
  /** How it may be refused, beside what form and tokens lead to. */
  readonly faults?: readonly ProblemFault[];
  /** Of the answer; JSON if absent. */
  readonly produces?: 'text/html' | 'text/event-stream';
}

/** What a route is made of. */
export interface RouteSpec<Q, B, A> extends RouteFacts {
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  /** Null where there is no body. Of a stream, each of its events. */
  readonly answer: z.ZodType<A> | null;
  handle(input: RouteInput<Q, B>): Promise<A> | A | ReadableStream<Uint8Array>;
}

/** A route with its schemas as they are, whatever they are of. */
export interface Route extends RouteFacts {
  readonly query: z.ZodType | null;
  readonly body: z.ZodType | null;
  readonly answer: z.ZodType | null;
  run(context: Context, rights: Rights): Promise<Response>;
}

/** Makes a route. */
export function route<Q = undefined, B = undefined, A = void>(spec: RouteSpec<Q, B, A>): Route {
  const { query = null, body = null, answer, handle, ...facts } = spec;
  return {
    ...facts,
    ...{ query, body, answer },
    run: async (context, rights) => {
      const input = {
        // Without a schema there is nothing to read, and Q and B are undefined.
        query: query === null ? (undefined as Q) : readQuery(context, query),
        body: body === null ? (undefined as B) : await readBody(context, body),
        segment: (name: string) => segment(context, name),
        header: (name: string) => context.req.header(name) ?? null,
        rights,
      };
      const result = await handle(input);
      if (facts.status === 204) return context.body(null, 204);
      if (facts.produces === 'text/html') return context.html(String(result));
      if (result instanceof ReadableStream) return streamed(context, result);
      return context.json(result, facts.status);
    },
  };
}

// The connection ends with the answer: whoever closes the server need not wait for it. HEAD gets no body, and nobody would
// ever read it.
async function streamed(context: Context, stream: ReadableStream<Uint8Array>): Promise<Response> {
  const headers = { 'content-type': 'text/event-stream', connection: 'close' };
  if (context.req.raw.method !== 'HEAD')
    return new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>, { headers });
  await stream.cancel();
  return new Response(null, { headers });
}
