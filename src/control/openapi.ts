// The OpenAPI 3.1 document of the control API, made of the routes and their schemas. It tells nothing of the server: not
// even its version, since everyone may read it.

import { z } from 'zod';
import { problemAnswer } from './answers.ts';
import { PROBLEM_TYPE, type ProblemFault, STATUS } from './problem.ts';
import type { Route } from './route.ts';

/** Plain JSON. */
export type Json = { readonly [key: string]: unknown };

const API_VERSION = '1';
const SCHEMAS = '#/components/schemas/';

/** Makes the document. */
export function makeOpenApi(routes: readonly Route[]): Json {
  const schemas = { ...bodySchemas(routes), ...answerSchemas(routes) };
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = templateOf(route.path);
    paths[path] = { ...paths[path], [route.method]: describe(route) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'turnd control API',
      version: API_VERSION,
      description: 'Administration of a TURN server, and credentials for its clients.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas,
      responses: Object.fromEntries(Object.keys(STATUS).map((fault) => [fault, problemResponseOf(fault)])),
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A token of turnctl token add. Its scopes are credentials, read and admin. The Unix socket needs none.',
        },
      },
    },
  };
}

/** The path as the document has it: `/v1/sessions/{id}`. */
export function templateOf(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}');
}

function describe(route: Route): Json {
  const { id, tag, summary, scope, body } = route;
  const parameters = [...pathParameters(route.path), ...queryParameters(route), ...headerParameters(route)];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(scope === null ? {} : { description: `Scope: ${scope}.` }),
    security: scope === null ? [] : [{ token: [scope] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null ? {} : { requestBody: requestBody(route, body) }),
    responses: responsesOf(route),
  };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', minLength: 1 },
  }));
}

function queryParameters({ query }: Route): Json[] {
  if (query === null) return [];
  const { properties = {}, required = [] } = toJson(query, 'input') as {
    readonly properties?: Readonly<Record<string, Json>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: inQuery(schema),
  }));
}

// A stream goes on where a reader that comes back has left it.
function headerParameters(route: Route): Json[] {
  if (!isStream(route)) return [];
  return [{ name: 'Last-Event-ID', in: 'header', required: false, schema: { type: 'string' } }];
}

// What is text in a URL means a number or a truth value.
function inQuery(schema: Json): Json {
  const { type: _type, pattern, enum: values, ...rest } = schema;
  if (typeof pattern === 'string' && pattern.startsWith('^\\d')) return { ...rest, type: 'integer', minimum: 0 };
  if (Array.isArray(values) && values.join() === 'true,false') return { ...rest, type: 'boolean' };
  return schema;
}

function requestBody({ id }: Route, body: z.ZodType): Json {
  return {
    required: !body.safeParse({}).success,
    content: { 'application/json': { schema: { $ref: `${SCHEMAS}${bodyName(id)}` } } },
  };
}

function responsesOf(route: Route): Json {
  const { id, status, answer, produces } = route;
  const type = produces ?? 'application/json';
  const schema = produces === undefined ? { $ref: `${SCHEMAS}${answerName(id)}` } : { type: 'string' };
  const done = {
    description: answer === null ? 'Done.' : isStream(route) ? streamText(id) : 'The answer.',
    ...(answer === null ? {} : { content: { [type]: { schema } } }),
  };
  const refusals = faultsOf(route).map((fault) => [
    String(STATUS[fault][0]),
    { $ref: `#/components/responses/${fault}` },
  ]);
  return { [status]: done, ...Object.fromEntries(refusals) };
}

function isStream({ produces }: Route): boolean {
  return produces === 'text/event-stream';
}

function streamText(id: string): string {
  const lost = '{"type": "lost", "count": …}, when the reader has missed events (null: not known how many)';
  return `Server-sent events. The data of each is ${SCHEMAS}${answerName(id)}, or ${lost}.`;
}

function faultsOf({ scope, body, faults = [] }: Route): ProblemFault[] {
  const ofForm: readonly ProblemFault[] = body === null ? ['invalid'] : ['invalid', 'too-large', 'media-type'];
  const ofToken: readonly ProblemFault[] = scope === null ? [] : ['unauthorized', 'too-many'];
  // Whoever is asked by a name or a page that is not allowed says so for every route.
  return [...new Set([...ofForm, ...ofToken, 'forbidden' as const, ...faults, 'internal' as const])];
}

function problemResponseOf(fault: string): Json {
  const [, title] = STATUS[fault as ProblemFault];
  const header = { 'WWW-Authenticate': { schema: { type: 'string' } } };
  const retry = { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } } };
  return {
    description: title,
    ...(fault === 'unauthorized' ? { headers: header } : {}),
    ...(fault === 'too-many' ? { headers: retry } : {}),
    content: { [PROBLEM_TYPE]: { schema: { $ref: `${SCHEMAS}Problem` } } },
  };
}

function bodySchemas(routes: readonly Route[]): Json {
  const bodies = routes.flatMap(({ id, body }) => (body === null ? [] : [[bodyName(id), toJson(body, 'input')]]));
  return Object.fromEntries(bodies);
}

function answerSchemas(routes: readonly Route[]): Json {
  const answers = routes.flatMap((route) => {
    const { id, answer, produces } = route;
    const isShown = answer !== null && (produces === undefined || isStream(route));
    return isShown ? [[answerName(id), toJson(answer, 'output')]] : [];
  });
  return { ...Object.fromEntries(answers), Problem: toJson(problemAnswer, 'output') };
}

function toJson(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    // That arrays are not changed by our own code says nothing to others.
    override: ({ jsonSchema }) => void delete jsonSchema.readOnly,
  });
  return json;
}

function bodyName(id: string): string {
  return `${capital(id)}Request`;
}

function answerName(id: string): string {
  return `${capital(id)}Answer`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
