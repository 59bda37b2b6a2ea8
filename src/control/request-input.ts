// What requests of the control API may hold: bodies and queries as zod schemas, and their bounded reading.

import type { Context } from 'hono';
import { z } from 'zod';
import { SCOPES } from '../config/api-tokens.ts';
import { EVENT_TYPES } from '../events/event-types.ts';
import { ApiError } from './problem.ts';

/** Far above every body that makes sense. */
const MAX_BODY_BYTES = 65_536;
/** Longer than any call lasts: a month. */
const MAX_DRAIN_SECONDS = 2_678_400;
/** Sessions or users of one page. */
const MAX_PAGE = 1000;

// The stores and the administration judge contents; here it is only kept small.
const text = z.string().max(4096);
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
const id = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);
const limit = id.pipe(z.number().min(1).max(MAX_PAGE)).default(100);

export const newUserBody = z.strictObject({ name: text, password: text });
export const passwordBody = z.strictObject({ password: text });
export const secretBody = z.strictObject({ value: text.nullable().default(null), reveal: z.boolean().default(false) });
export const rotateBody = secretBody.extend({ graceSeconds: z.number() });
export const peerRuleBody = z.strictObject({ realm: text, kind: z.enum(['allow', 'deny']), range: text });
const option = z.number().nullable().optional();
export const realmOptionsBody = z.strictObject({ maxBps: option, totalQuota: option, userQuota: option });
export const originBody = z.strictObject({ origin: text, realm: text });
export const logLevelBody = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
});
export const drainBody = z.strictObject({
  timeout: z.number().int().min(0).max(MAX_DRAIN_SECONDS).nullable().default(null),
  threshold: z.number().int().min(0).max(1_000_000).nullable().default(null),
  stays: z.boolean().default(false),
});
export const credentialsBody = z.strictObject({
  ttl: z.number().default(86_400),
  user: text.nullable().default(null),
  label: text.nullable().default(null),
  host: text.nullable().default(null),
  realm: text.nullable().default(null),
});
export const newTokenBody = z.strictObject({
  name: text,
  scopes: z.array(z.enum(SCOPES)).max(SCOPES.length),
  /** Unix milliseconds. */
  expiresAt: z.number().nullable().default(null),
});
const expiresAt = z.number().nullable();
export const newOauthKeyBody = z.strictObject({
  kid: text,
  realm: text.nullable().default(null),
  algorithm: text.default('A256GCM'),
  key: text.nullable().default(null),
  expiresAt: expiresAt.default(null),
  reveal: z.boolean().default(false),
});
export const oauthKeyBody = z.strictObject({ realm: text.optional(), expiresAt: expiresAt.optional() });
export const nothing = z.strictObject({});

export const sessionId = z.object({ id });
export const sessionsQuery = z.strictObject({
  user: text.optional(),
  realm: text.optional(),
  client: text.optional(),
  transport: z.enum(['udp', 'tcp', 'tls']).optional(),
  after: id.default(0),
  limit,
});
const types = z.array(z.enum(EVENT_TYPES));
export const eventsQuery = z.strictObject({
  type: text
    .describe(`With commas between them; all if absent: ${EVENT_TYPES.join(', ')}.`)
    .transform((names) => names.split(','))
    .pipe(types)
    .optional(),
  user: text.optional(),
  realm: text.optional(),
});
export const endQuery = z.strictObject({ user: text, realm: text.optional() });
export const usersQuery = z.strictObject({
  realm: text.optional(),
  'after-realm': text.optional(),
  after: text.optional(),
  limit,
});
export const secretsQuery = z.strictObject({ realm: text.optional(), reveal: flag.default(false) });
export const oauthKeysQuery = z.strictObject({ realm: text.optional() });
export const oauthKeyQuery = z.strictObject({ reveal: flag.default(false) });
export const peersQuery = z.strictObject({ realm: text.optional() });
export const peerRuleQuery = peerRuleBody;
export const originQuery = z.strictObject({ origin: text });

/** The body of a request as `schema` has it. @throws ApiError */
export async function readBody<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  const bytes = await readBytes(context.req.raw);
  if (bytes.length === 0) return judge(schema, {}, 'the body');
  // A form of a web page cannot be sent as JSON without being asked first (CSRF).
  if (!/^application\/json\b/i.test(context.req.header('content-type') ?? ''))
    throw new ApiError('media-type', 'the body must be application/json');
  return judge(schema, parseJson(bytes), 'the body');
}

/** As {@link readBody}, whatever the request calls its type: for clients that were written for others. @throws ApiError */
export async function readJson<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const bytes = await readBytes(request);
  return judge(schema, bytes.length === 0 ? {} : parseJson(bytes), 'the body');
}

/** The body of a request that is a form of a web page. @throws ApiError */
export async function readForm<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const text = (await readBytes(request)).toString('utf8');
  return judge(schema, fieldsOf(new URLSearchParams(text), 'the body'), 'the body');
}

/** The fields of a form or query. @throws ApiError for one that is there twice */
export function fieldsOf(entries: Iterable<readonly [string, string]>, what: string): Readonly<Record<string, string>> {
  const fields = new Map<string, string>();
  for (const [name, value] of entries) {
    if (fields.has(name)) throw new ApiError('invalid', `${what} has a parameter twice`);
    fields.set(name, value);
  }
  return Object.fromEntries(fields);
}

/** The query of a request as `schema` has it. @throws ApiError */
export function readQuery<T>(context: Context, schema: z.ZodType<T>): T {
  const query = Object.create(null) as Record<string, string>;
  for (const [name, values] of Object.entries(context.req.queries())) {
    if (values.length > 1) throw new ApiError('invalid', 'the query has a parameter twice');
    query[name] = values[0] ?? '';
  }
  return judge(schema, { ...query }, 'the query');
}

/** A value as `schema` has it; the refusal names keys and rules, never what was sent (S55). @throws ApiError */
export function judge<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value, { reportInput: false });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? what : `${what}: ${issue.path.map(String).join('.')}`;
  const why = issue?.code === 'unrecognized_keys' ? 'has a key that is not known' : (issue?.message ?? 'is wrong');
  throw new ApiError('invalid', `${where}: ${why}`);
}

async function readBytes(request: Request): Promise<Buffer> {
  const tooLarge = new ApiError('too-large', `the body is larger than ${MAX_BODY_BYTES} bytes`);
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) throw tooLarge;
      chunks.push(chunk);
    }
  } catch (error) {
    // Whatever ends a body in its middle is the client's doing.
    throw error === tooLarge ? tooLarge : new ApiError('invalid', 'the body has no end');
  }
  return Buffer.concat(chunks);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new ApiError('invalid', 'the body is not JSON');
  }
}
