// A running server as the control API sees it, without a server: answers are prepared, what is done to it is kept.

import { AdminError, type Administration } from '../../src/control/administration.ts';
import type {
  DrainStatus,
  IceSource,
  ReloadReport,
  ServerControl,
  ServerStatus,
} from '../../src/control/server-control.ts';
import { StoreAdministration } from '../../src/control/store-administration.ts';
import type { TokenAdministration, TokenView } from '../../src/control/tokens.ts';
import { EventHub } from '../../src/events/event-hub.ts';
import { EventReader } from '../../src/events/event-reader.ts';
import { nodeTimers } from '../../src/workers/node-timers.ts';
import type { SessionDetail, SessionInfo, SessionQuery } from '../../src/workers/sessions.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';

/** What a test may look at and change. */
export interface FakeControl extends ServerControl {
  administration: Administration | null;
  readonly store: MemoryStore;
  readonly tokens: FakeTokens;
  live: SessionDetail[];
  /** Where a test publishes events. */
  readonly hub: EventHub;
  /** Those that read them, in their order. */
  readonly readers: EventReader[];
  maxReaders: number;
  /** What was done, in order. */
  readonly done: string[];
  iceSource(): Promise<IceSource>;
  secret: string | null;
  draining: DrainStatus | null;
  readonly revoked: Set<string>;
  reloadAnswer: () => Promise<ReloadReport>;
}

/** Tokens in memory. */
export interface FakeTokens extends TokenAdministration {
  list: readonly TokenView[];
}

/** 2026-01-01T00:00:00Z, in Unix milliseconds. */
export const FAKE_NOW = 1_767_225_600_000;

/** A session with some values of its own. */
export function fakeSession(own: Partial<SessionDetail> & { readonly id: number }): SessionDetail {
  return {
    worker: 1,
    user: 'alice',
    realm: 'example.org',
    client: '192.0.2.1:4000',
    transport: 'udp',
    relayed: ['203.0.113.1:50000'],
    age: 3725,
    remaining: 600,
    permissions: 1,
    channels: 1,
    packetsFromClient: 10,
    bytesFromClient: 1536,
    packetsToClient: 20,
    bytesToClient: 3_000_000,
    overRateFromClient: 7,
    overRateToClient: 0,
    permissionList: [{ peer: '198.51.100.7', remaining: 250 }],
    channelList: [
      {
        number: 0x4001,
        peer: '198.51.100.7:9000',
        relayed: '203.0.113.1:50000',
        remaining: 500,
        packetsToPeer: 10,
        bytesToPeer: 1536,
        packetsToClient: 20,
        bytesToClient: 3_000_000,
      },
    ],
    ...own,
  };
}

/** Makes one with an empty store in memory. */
export function fakeControl(): FakeControl {
  const store = memoryStore();
  let made = 0;
  const done: string[] = [];
  const fake: FakeControl = {
    store,
    administration: new StoreAdministration({
      store,
      defaultRealm: 'example.org',
      now: () => FAKE_NOW,
      makeSecret: () => `made-secret-number-${++made}`,
    }),
    tokens: fakeTokens(),
    config: async () => ({ file: '/etc/turnd/turnd.yaml', config: { realm: 'example.org' }, restart: ['listen'] }),
    live: [],
    hub: new EventHub({ timers: nodeTimers, wallTime: () => FAKE_NOW }),
    readers: [],
    maxReaders: 32,
    events: (filter, lastId) => {
      if (fake.readers.length >= fake.maxReaders) return null;
      const reader = new EventReader(fake.hub, filter, lastId, () => {});
      fake.readers.push(reader);
      reader.onEnd(() => void fake.readers.splice(fake.readers.indexOf(reader), 1));
      return reader;
    },
    done,
    secret: 'shared-secret-of-test',
    reloadAnswer: async () => ({ applied: ['limits'], restart: ['listen'], warnings: ['a warning'] }),
    status: async () => statusOf(fake),
    sessions: async (query) =>
      fake.live
        .filter((session) => isWanted(session, query))
        .slice(0, query.limit)
        .map(listed),
    session: async (id) => fake.live.find((session) => session.id === id) ?? null,
    end: async (selector) => {
      done.push(`end ${JSON.stringify(selector)}`);
      const before = fake.live.length;
      const isMeant = (session: SessionInfo): boolean =>
        'id' in selector ? session.id === selector.id : session.user === selector.user;
      fake.live = fake.live.filter((session) => !isMeant(session));
      return before - fake.live.length;
    },
    reload: () => fake.reloadAnswer(),
    draining: null,
    get isDraining() {
      return fake.draining !== null;
    },
    drain: async ({ timeout, threshold, stays }) => {
      const until = timeout === null ? null : FAKE_NOW + timeout * 1000;
      const allocations = fake.live.length;
      fake.draining = {
        since: FAKE_NOW,
        until,
        threshold: threshold ?? 7,
        stays,
        allocations,
        isDone: allocations === 0,
      };
      return fake.draining;
    },
    undrain: async () => {
      fake.draining = null;
    },
    setLogLevel: async (level) => void done.push(`log-level ${level}`),
    iceSource: async () => ({
      urls: ['stun:turn.example.org:3478', 'turn:turn.example.org:3478?transport=udp'],
      realm: 'example.org',
      secrets: fake.secret === null ? [] : [fake.secret],
      separator: ':',
      isRevoked: (username) => fake.revoked.has(username),
    }),
    revoked: new Set(),
    revoke: async (username) => {
      done.push(`revoke ${username}`);
      fake.revoked.add(username);
      return fake.live.length;
    },
  };
  return fake;
}

function fakeTokens(): FakeTokens {
  const fake: FakeTokens = {
    list: [],
    listTokens: async () => fake.list,
    addToken: async (wish) => {
      const view = { ...wish, isConfigured: false, createdAt: FAKE_NOW, lastUsedAt: null };
      fake.list = [...fake.list, view];
      return { ...view, token: 'turnd_made' };
    },
    removeToken: async (name) => {
      const view = fake.list.find((token) => token.name === name);
      if (view === undefined) throw new AdminError('not-found', `there is no token "${name}"`);
      fake.list = fake.list.filter((token) => token !== view);
      return view;
    },
  };
  return fake;
}

function listed({ permissionList: _, channelList: __, ...info }: SessionDetail): SessionInfo {
  return info;
}

function isWanted(session: SessionInfo, { user, realm, client, transport, after }: SessionQuery): boolean {
  return (
    session.id > after &&
    (user === null || user === session.user) &&
    (realm === null || realm === session.realm) &&
    (client === null || session.client.startsWith(client)) &&
    (transport === null || transport === session.transport)
  );
}

function statusOf({ administration, live, draining }: FakeControl): ServerStatus {
  return {
    version: '1.2.3',
    pid: 4711,
    startedAt: FAKE_NOW - 90_061_000,
    plane: 'linux',
    workers: 2,
    realm: 'example.org',
    listeners: [{ transport: 'udp', address: '0.0.0.0:3478' }],
    relayed: ['203.0.113.1'],
    allocations: live.length,
    drain: draining,
    configFile: '/etc/turnd/turnd.yaml',
    stateDir: '/var/lib/turnd',
    logLevel: 'info',
    store: administration === null ? null : { name: administration.storeName, isAnswering: true, problem: null },
    counters: { engine: { requests: 5 } },
  };
}
