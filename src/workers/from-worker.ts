// What a worker says, judged before main acts on it: a worker parses what the network sends, so main believes the form of
// none of its messages. Owns their schemas; what they mean is the business of others.

import { z } from 'zod';
import { eventReport } from '../events/event-schemas.ts';
import { Transport } from '../turn/transport.ts';
import type { CounterTree } from './counter-tree.ts';
import type { FromWorker } from './messages.ts';
import type { SessionDetail, SessionInfo } from './sessions.ts';

/** Counters lie no deeper than this. */
const MAX_DEPTH = 6;

// No name, reason or address that makes sense is longer.
const text = z.string().max(8192);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const port = z.number().int().min(0).max(65_535);
const counters = z.custom<CounterTree>((value) => isCounterTree(value, MAX_DEPTH));
// One record is one line, whoever has written it (S56).
const logLine = z.string().refine((line) => line !== '' && line.indexOf('\n') === line.length - 1);

const quotaRequest = z.strictObject({
  credential: z
    .strictObject({
      quotaKey: text.nullable(),
      quotaLimit: count,
      realm: z.exactOptional(text),
      realmLimit: z.exactOptional(count),
    })
    .nullable(),
  client: text,
});

const call = { kind: z.literal('call'), id: count };
const calls = z.discriminatedUnion('name', [
  z.strictObject({ ...call, name: z.literal('credential'), ask: z.strictObject({ username: text, realm: text }) }),
  z.strictObject({ ...call, name: z.literal('userhash'), ask: z.strictObject({ hash: text, realm: text }) }),
  z.strictObject({ ...call, name: z.literal('quota'), ask: quotaRequest }),
  z.strictObject({ ...call, name: z.literal('mayHold'), ask: z.strictObject({ holder: text, limit: count }) }),
  z.strictObject({
    ...call,
    name: z.literal('hold'),
    ask: z.strictObject({ tag: text, local: z.strictObject({ ip: text, port }), holder: text.nullable() }),
  }),
  z.strictObject({ ...call, name: z.literal('redeem'), ask: z.strictObject({ token: text }) }),
]);

const encryption = z.strictObject({ protocol: text, cipher: text }).nullable();
const allocation = z.strictObject({
  ...{ id: count, realm: text, user: text, transport: z.enum(Transport), local: text, remote: text },
  encryption,
});
const traffic = z.strictObject({
  packetsToPeer: count,
  bytesToPeer: count,
  packetsToClient: count,
  bytesToClient: count,
});
const report = z.discriminatedUnion('event', [
  z.strictObject({ event: z.enum(['new', 'refreshed']), allocation, lifetime: count }),
  z.strictObject({ event: z.enum(['traffic', 'released']), id: count, traffic }),
]);

const fromWorker: z.ZodType<FromWorker> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready') }),
  z.strictObject({ kind: z.literal('failed'), reason: text }),
  z.strictObject({ kind: z.literal('beat'), allocations: count, counters }),
  z.strictObject({ kind: z.literal('log'), lines: z.array(logLine), lost: count }),
  z.strictObject({ kind: z.literal('status'), report }),
  z.strictObject({ kind: z.literal('event'), report: eventReport }),
  z.strictObject({ kind: z.literal('idle'), id: count }),
  z.strictObject({ kind: z.literal('release'), request: quotaRequest }),
  z.strictObject({ kind: z.literal('stopped'), counters }),
  calls,
  // What an answer must be depends on the question: whoever has asked judges it.
  z.strictObject({ kind: z.literal('answer'), id: count, answer: z.unknown() }),
  z.strictObject({ kind: z.literal('refusal'), id: count, reason: text }),
]);

const session = {
  ...{ id: count, worker: count, user: text, realm: text, client: text, transport: text, relayed: z.array(text) },
  ...{ age: z.number(), remaining: z.number(), permissions: count, channels: count },
  ...{ packetsFromClient: count, bytesFromClient: count, packetsToClient: count, bytesToClient: count },
  ...{ overRateFromClient: count, overRateToClient: count },
};
const channel = z.strictObject({
  ...{ number: count, peer: text, relayed: text, remaining: z.number() },
  ...{ packetsToPeer: count, bytesToPeer: count, packetsToClient: count, bytesToClient: count },
});
const sessionPage: z.ZodType<readonly SessionInfo[]> = z.array(z.strictObject(session));
const sessionDetail: z.ZodType<SessionDetail | null> = z
  .strictObject({
    ...session,
    permissionList: z.array(z.strictObject({ peer: text, remaining: z.number() })),
    channelList: z.array(channel),
  })
  .nullable();

/** Takes the answer to one of main's questions apart; null where it is none. Never throws. */
export type ReadAnswer<T> = (answer: unknown) => { readonly value: T } | null;

/** A message of a worker, or null where it is none. Never throws. */
export function readFromWorker(message: unknown): FromWorker | null {
  return reader(fromWorker)(message)?.value ?? null;
}

/** The messages of one batch, each as {@link readFromWorker} reads it. Never throws. */
export function readBatch(batch: unknown): readonly (FromWorker | null)[] {
  return Array.isArray(batch) ? batch.map(readFromWorker) : [null];
}

/** The answer to `sessions`. */
export const readSessionPage: ReadAnswer<readonly SessionInfo[]> = reader(sessionPage);
/** The answer to `session`. */
export const readSessionDetail: ReadAnswer<SessionDetail | null> = reader(sessionDetail);
/** The answer to `end`. */
export const readCount: ReadAnswer<number> = reader(count);
/** The answer to `counters`. */
export const readCounterTree: ReadAnswer<CounterTree> = reader(counters);

function reader<T>(schema: z.ZodType<T>): ReadAnswer<T> {
  return (value) => {
    const result = schema.safeParse(value);
    return result.success ? { value: result.data } : null;
  };
}

function isCounterTree(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth === 0) return false;
  return Object.entries(value).every(([name, child]) => name !== '__proto__' && isCounter(child, depth));
}

function isCounter(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(Number.isFinite);
  return isCounterTree(value, depth - 1);
}
