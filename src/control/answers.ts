// What answers of the control API hold, as zod schemas: for the document and the types of handlers. Real answers are held
// to them by tests, not at run time.

import { z } from 'zod';
import { SCOPES } from '../config/api-tokens.ts';

const list = <T extends z.ZodType>(of: T) => z.array(of).readonly();
const count = z.int().nonnegative();
const seconds = z.int();
const moment = z.number().describe('Unix milliseconds.');
const end = moment.nullable().describe('Unix milliseconds; null = it stays.');

export const userIdAnswer = z.object({ realm: z.string(), name: z.string() });
export const userAnswer = userIdAnswer.extend({ sha256: z.boolean().describe('Whether its SHA-256 key is known.') });
export const usersAnswer = z.object({ users: list(userIdAnswer) });

export const secretAnswer = z.object({
  realm: z.string(),
  id: z.string().describe('The first 12 hexadecimal digits of its SHA-256.'),
  value: z.string().optional().describe('Only where it was asked for.'),
  expiresAt: end,
});
export const secretsAnswer = z.object({ secrets: list(secretAnswer) });

export const peerRuleAnswer = z.object({
  realm: z.string().describe('Empty: for all realms.'),
  kind: z.enum(['allow', 'deny']),
  range: z.string(),
});
export const peerRulesAnswer = z.object({ rules: list(peerRuleAnswer) });

const option = z.number().nullable().describe('0 = no limit; null = as configured.');
export const realmAnswer = z.object({
  realm: z.string(),
  origins: list(z.string()),
  ...{ maxBps: option, totalQuota: option, userQuota: option },
});
export const realmsAnswer = z.object({ realms: list(realmAnswer) });
export const originAnswer = z.object({ origin: z.string(), realm: z.string() });

export const oauthKeyAnswer = z.object({
  kid: z.string().describe('What tokens call it by.'),
  realm: z.string(),
  algorithm: z.string().describe('A256GCM or A128GCM; whatever a store has.'),
  startsAt: moment.nullable().describe('Unix milliseconds; null = any time.'),
  expiresAt: end,
  key: z.string().optional().describe('The key itself in Base64: only where it was asked for.'),
});
export const oauthKeysAnswer = z.object({ keys: list(oauthKeyAnswer) });

export const tokenAnswer = z.object({
  name: z.string(),
  scopes: list(z.enum(SCOPES)),
  isConfigured: z.boolean().describe('Whether it stands in the configuration file.'),
  createdAt: moment.nullable(),
  expiresAt: end,
  lastUsedAt: moment.nullable().describe('Unix milliseconds, a minute old at most while it is used; null = never.'),
});
export const newTokenAnswer = tokenAnswer.extend({ token: z.string().describe('The token: shown this once.') });
export const tokensAnswer = z.object({ tokens: list(tokenAnswer) });

const address = z.object({ transport: z.string(), address: z.string() });
export const drainAnswer = z.object({
  since: moment,
  until: moment.nullable().describe('Unix milliseconds; null = no such time.'),
  threshold: count.describe('It is done when so few allocations are left.'),
  stays: z.boolean().describe('Whether the server goes on when it is done.'),
  allocations: count.describe('Those that live.'),
  isDone: z.boolean(),
});
export const undrainAnswer = z.object({ draining: z.boolean() });
const counters = z.record(z.string(), z.unknown()).describe('Counters by name, in groups.');
export const statusAnswer = z.object({
  version: z.string(),
  pid: z.int(),
  startedAt: moment,
  plane: z.string(),
  workers: count,
  realm: z.string(),
  listeners: list(address),
  relayed: list(z.string()),
  allocations: count,
  drain: drainAnswer.nullable().describe('Null unless it is being drained.'),
  configFile: z.string().nullable(),
  stateDir: z.string(),
  logLevel: z.string(),
  store: z.object({ name: z.string(), isAnswering: z.boolean(), problem: z.string().nullable() }).nullable(),
  counters,
});
export const statsAnswer = z.object({ startedAt: moment, at: moment, allocations: count, counters });
export const configAnswer = z.object({
  file: z.string().nullable(),
  config: z.record(z.string(), z.unknown()).describe('Every key as in the file, defaults included, secrets as ***.'),
  restart: list(z.string()).describe('Keys whose value here comes into effect with the next start.'),
});
export const reloadAnswer = z.object({
  applied: list(z.string()),
  restart: list(z.string()),
  warnings: list(z.string()),
});
export const logLevelAnswer = z.object({ level: z.string() });
export const credentialsAnswer = z.object({
  iceServers: list(
    z.object({ urls: list(z.string()), username: z.string().optional(), credential: z.string().optional() }),
  ),
  expiresAt: moment,
});

export const sessionAnswer = z.object({
  id: count,
  worker: count,
  user: z.string(),
  realm: z.string(),
  client: z.string(),
  transport: z.string(),
  relayed: list(z.string()),
  ...{ age: seconds, remaining: seconds, permissions: count, channels: count },
  ...{ packetsFromClient: count, bytesFromClient: count, packetsToClient: count, bytesToClient: count },
  ...{ overRateFromClient: count, overRateToClient: count },
});
export const sessionsAnswer = z.object({
  sessions: list(sessionAnswer),
  next: count.nullable().describe('What after is for the next page; null = this is the last one.'),
});
export const sessionDetailAnswer = sessionAnswer.extend({
  permissionList: list(z.object({ peer: z.string(), remaining: seconds })),
  channelList: list(
    z.object({
      ...{ number: count, peer: z.string(), relayed: z.string(), remaining: seconds },
      ...{ packetsToPeer: count, bytesToPeer: count, packetsToClient: count, bytesToClient: count },
    }),
  ),
});
export const endedAnswer = z.object({ ended: count.describe('How many allocations.') });
export const problemAnswer = z.object({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  fault: z.string().describe('For programs.'),
});
