// What main takes from a worker, and that nothing else gets in: a worker parses what the network sends.

import { test } from 'tap';
import type { CounterTree } from '../../src/workers/counter-tree.ts';
import {
  readBatch,
  readCounterTree,
  readFromWorker,
  readSessionDetail,
  readSessionPage,
} from '../../src/workers/from-worker.ts';
import type { FromWorker } from '../../src/workers/messages.ts';
import { REPORTS } from '../support/events.ts';
import { fakeSession } from '../support/fake-control.ts';

const traffic = { packetsToPeer: 1, bytesToPeer: 2, packetsToClient: 3, bytesToClient: 4 };
const allocation = {
  ...{ id: 1001, realm: 'r', user: 'alice', transport: 'udp', local: '192.0.2.1:3478', remote: '198.51.100.7:4000' },
  encryption: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
};

const MESSAGES: readonly FromWorker[] = [
  { kind: 'ready' },
  { kind: 'failed', reason: 'no port is free' },
  { kind: 'beat', allocations: 2, counters: { engine: { requests: 1, dropped: [0, 1] } } },
  { kind: 'log', lines: ['{"level":"info"}\n'], lost: 0 },
  { kind: 'status', report: { event: 'new', allocation, lifetime: 600 } },
  { kind: 'status', report: { event: 'released', id: 1001, traffic } },
  ...REPORTS.map((report) => ({ kind: 'event', report }) as const),
  { kind: 'release', request: { credential: { quotaKey: 'alice', quotaLimit: 0 }, client: '198.51.100.7' } },
  { kind: 'stopped', counters: {} },
  { kind: 'call', id: 1, name: 'credential', ask: { username: 'alice', realm: 'r' } },
  { kind: 'call', id: 2, name: 'userhash', ask: { hash: '00ff', realm: 'r' } },
  { kind: 'call', id: 3, name: 'quota', ask: { credential: null, client: '::1' } },
  { kind: 'call', id: 4, name: 'mayHold', ask: { holder: 'alice', limit: 3 } },
  { kind: 'call', id: 5, name: 'hold', ask: { tag: 'hold 1', local: { ip: '192.0.2.1', port: 50_000 }, holder: null } },
  { kind: 'call', id: 6, name: 'redeem', ask: { token: '00' } },
  { kind: 'answer', id: 1, answer: null },
  { kind: 'refusal', id: 1, reason: 'no' },
];

test('every message of a worker is taken as it is', async (t) => {
  for (const message of MESSAGES) t.strictSame(readFromWorker(message), message, message.kind);
  t.strictSame(readBatch(MESSAGES), MESSAGES);
});

/** Every path to a value of a message. */
function paths(value: unknown, before: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [before];
  return [
    ...(before.length === 0 ? [] : [before]),
    ...Object.entries(value).flatMap(([key, child]) => paths(child, [...before, key])),
  ];
}

function withValue(message: unknown, [key = '', ...rest]: readonly string[], value: unknown): unknown {
  const copy = structuredClone(message) as Record<string, unknown>;
  copy[key] = rest.length === 0 ? value : withValue(copy[key], rest, value);
  return copy;
}

// Neither a text, a number, a list nor an object that anybody expects; turned into a text, the last one throws.
const NONSENSE = [true, { toString: 1, valueOf: 1 }, Number.NaN];

test('S1 a message with one value that makes no sense is no message', async (t) => {
  for (const message of MESSAGES) {
    for (const path of paths(message)) {
      if (path[0] === 'answer') continue;
      // Counters may have any name.
      const nonsense = path[0] === 'counters' ? [true, Number.NaN] : NONSENSE;
      for (const value of nonsense) t.equal(readFromWorker(withValue(message, path, value)), null, path.join('.'));
    }
  }
});

test('S1 what is no message at all is none', async (t) => {
  for (const value of [null, 0, 'ready', [], {}, { kind: 'toString' }, { kind: '__proto__' }]) {
    t.equal(readFromWorker(value), null);
    t.strictSame(readBatch(Array.isArray(value) ? [value] : value), [null]);
  }
  t.equal(readFromWorker({ kind: 'ready', more: 1 }), null);
});

test('S56 a line of log with a line break inside is no line', async (t) => {
  for (const line of ['{}', '{}\n{}\n', '', '\n\n'])
    t.equal(readFromWorker({ kind: 'log', lines: [line], lost: 0 }), null);
});

test('counters are numbers, not too deep', async (t) => {
  let deep: CounterTree = {};
  for (let depth = 0; depth < 100_000; depth++) deep = { deep };
  for (const value of [deep, { a: null }, { a: '1' }, { a: [null] }, [], null, JSON.parse('{"__proto__":{"a":1}}')])
    t.equal(readCounterTree(value), null);
  t.strictSame(readCounterTree({ a: 1, b: [2], c: { d: 3 } }), { value: { a: 1, b: [2], c: { d: 3 } } });
});

test('sessions are taken as they are, and nothing else', async (t) => {
  const detail = fakeSession({ id: 7 });
  const { permissionList: _, channelList: __, ...info } = detail;
  t.strictSame(readSessionPage([info]), { value: [info] });
  t.strictSame(readSessionDetail(detail), { value: detail });
  t.strictSame(readSessionDetail(null), { value: null });
  for (const value of [null, [null], [{ ...info, id: 'x' }], [detail]]) t.equal(readSessionPage(value), null);
  t.equal(readSessionDetail({ ...detail, channelList: [null] }), null);
});
