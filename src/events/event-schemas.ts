// What an event holds: the one place that says so. Reports of processes are judged by it, and the document of the API is
// made of it. Knows neither who reports nor who listens.

import { z } from 'zod';
import { EVENT_TYPES } from './event-types.ts';

// No name, reason or address that makes sense is longer.
const text = z.string().max(8192);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const session = {
  session: count.describe('The id of the session.'),
  realm: text.describe('Empty when access is anonymous, as user.'),
  user: text,
  client: text.describe('Address and port.'),
  transport: text.describe('Of the client: udp, tcp or tls.'),
  relayed: z.array(text).max(2).readonly().describe('One or two addresses with ports.'),
};
const lifetime = count.describe('Seconds until it ends unless it is refreshed.');
const traffic = {
  packetsFromClient: count.describe('Since the session began, as the other three.'),
  bytesFromClient: count,
  packetsToClient: count,
  bytesToClient: count,
};

const shapes = {
  allocated: { type: z.literal('allocated'), ...session, lifetime },
  refreshed: { type: z.literal('refreshed'), ...session, lifetime },
  permission: { type: z.literal('permission'), ...session, peer: text.describe('IP address.') },
  channel: {
    ...{ type: z.literal('channel'), ...session },
    peer: text.describe('Address and port.'),
    channel: z.number().int().min(0).max(65_535).describe('Its number.'),
  },
  traffic: { type: z.literal('traffic'), ...session, ...traffic },
  released: {
    ...{ type: z.literal('released'), ...session, ...traffic },
    duration: count.describe('Seconds.'),
    reason: text.describe('deleted, expired, connection-closed, administrative, worker-lost, …'),
  },
  denied: {
    ...{ type: z.literal('denied'), ...session },
    peer: text.describe('IP address.'),
    port: z.number().int().min(0).max(65_535).describe('0: only the address was judged.'),
    reason: text.describe('The rule that refused it.'),
  },
  'auth-failed': {
    type: z.literal('auth-failed'),
    realm: text,
    user: text.describe('As the client says; its beginning if it is long.'),
    client: text.describe('Address and port.'),
    transport: text,
    reason: text.describe('unknown-user, wrong-password, expired, braked.'),
  },
  dropped: {
    type: z.literal('dropped'),
    of: z.enum(EVENT_TYPES),
    count: count.describe('Events of this type that a process did not tell of: there were too many in one second.'),
  },
} as const;

/** What a process reports. */
export const eventReport = z.discriminatedUnion('type', [
  z.strictObject(shapes.allocated),
  z.strictObject(shapes.refreshed),
  z.strictObject(shapes.permission),
  z.strictObject(shapes.channel),
  z.strictObject(shapes.traffic),
  z.strictObject(shapes.released),
  z.strictObject(shapes.denied),
  z.strictObject(shapes['auth-failed']),
  z.strictObject(shapes.dropped),
]);

/** Something has happened, or was not told of. */
export type EventReport = Readonly<z.output<typeof eventReport>>;

/** The reports that are about a session. */
export type SessionReport = Exclude<EventReport, { readonly type: 'auth-failed' | 'dropped' }>;

const told = {
  id: text.describe('Tells where to go on: Last-Event-ID.'),
  time: z.number().describe('Unix milliseconds.'),
};

/** What listeners get: a report with its id and time. For the document of the API. */
export const serverEvent = z.discriminatedUnion('type', [
  z.object({ ...told, ...shapes.allocated }),
  z.object({ ...told, ...shapes.refreshed }),
  z.object({ ...told, ...shapes.permission }),
  z.object({ ...told, ...shapes.channel }),
  z.object({ ...told, ...shapes.traffic }),
  z.object({ ...told, ...shapes.released }),
  z.object({ ...told, ...shapes.denied }),
  z.object({ ...told, ...shapes['auth-failed'] }),
  z.object({ ...told, ...shapes.dropped }),
]);

/** An event as listeners get it. */
export type ServerEvent = Readonly<z.output<typeof serverEvent>>;
