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

/** A request, judged. */
export interface RouteInput<Q, B> {
  readonly query: Q;
  readonly body: B;
  /** A parameter of the path, decoded. @throws ApiError */
  readonly segment: (name: string) => string;
  /** For what needs more than the route's scope. */
  readonly demand: Demand;
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
  readonly produces?: 'text/html';
}

/** What a route is made of. */
export interface RouteSpec<Q, B, A> extends RouteFacts {
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  /** Null where there is no body. */
  readonly answer: z.ZodType<A> | null;
  handle(input: RouteInput<Q, B>): Promise<A> | A;
}

/** A route with its schemas as they are, whatever they are of. */
export interface Route extends RouteFacts {
  readonly query: z.ZodType | null;
  readonly body: z.ZodType | null;
  readonly answer: z.ZodType | null;
  run(context: Context, demand: Demand): Promise<Response>;
}

/** Makes a route. */
export function route<Q = undefined, B = undefined, A = void>(spec: RouteSpec<Q, B, A>): Route {
  const { query = null, body = null, answer, handle, ...facts } = spec;
  return {
    ...facts,
    ...{ query, body, answer },
    run: async (context, demand) => {
      const input = {
        // Without a schema there is nothing to read, and Q and B are undefined.
        query: query === null ? (undefined as Q) : readQuery(context, query),
        body: body === null ? (undefined as B) : await readBody(context, body),
        segment: (name: string) => segment(context, name),
        demand,
      };
      const result = await handle(input);
      if (facts.status === 204) return context.body(null, 204);
      if (facts.produces === 'text/html') return context.html(String(result));
      return context.json(result, facts.status);
    },
  };
}
