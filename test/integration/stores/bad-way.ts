// R12: the way to a database is slow, loses its connections, or ends at somebody else. Calls go on unharmed, known users
// are served, others get a definite answer, nothing piles up, and it heals. One file runs it for each kind of store.

import { readdirSync } from 'node:fs';
import { type Test, test } from 'tap';
import { type ProxyMode, SlowProxy } from '../../support/slow-proxy.ts';
import type { TurndProcess } from '../../support/turnd-process.ts';
import { type Call, isWhole, startCall } from './call.ts';
import {
  addUser,
  allocateAs,
  allocateUntil,
  openAside,
  type ServerKind,
  startWith,
  type TestDatabase,
} from './scene.ts';

const FIVE_SECONDS: ProxyMode = { kind: 'slow', ms: 5000 };
/** Shorter than the second try of a client that gets no answer to its first for 2 s (RFC 8489 §6.2.1: 500 ms, 1 s, …). */
const KNOWN_MS = 2000;
/** A store may take 2 s; what is more is the machine's. */
const DEFINITE_MS = 4000;
/** Of main: its pool of four, and what is being opened while others are being closed. */
const MORE_DESCRIPTORS = 8;

interface Scene {
  readonly server: TurndProcess;
  readonly proxy: SlowProxy;
  readonly call: Call;
  readonly descriptors: number;
}

function descriptorsOf(server: TurndProcess): number {
  return readdirSync(`/proc/${server.pid}/fd`).length;
}

async function setUp(t: Test, database: TestDatabase): Promise<Scene> {
  const store = await openAside(t, database.url);
  for (const user of ['alice', 'bob', 'carol']) await addUser(store, user);
  const url = new URL(database.url);
  const proxy = await SlowProxy.open(t, Number(url.port));
  url.port = `${proxy.port}`;
  const env = {
    TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0',
    TURND_LIMITS__FAILED_LOGINS_PER_SECOND: '0',
  };
  const server = await startWith(t, { url: url.href, env });
  const call = await startCall(t, server);
  t.ok(await isWhole(call));
  return { server, proxy, call, descriptors: descriptorsOf(server) };
}

/** The milliseconds that something takes. */
async function timed<T>(work: Promise<T>): Promise<readonly [T, number]> {
  const since = performance.now();
  return [await work, performance.now() - since];
}

/** Whatever becomes of the store. */
async function callsGoOn(t: Test, { server, call }: Scene): Promise<void> {
  t.ok(await isWhole(call), 'the call goes on');
  t.equal((await call.client.binding()).cls, 2);
  const [known, took] = await timed(allocateAs(t, server, 'alice'));
  t.equal(known, 0, 'a known user is served');
  t.ok(took < KNOWN_MS, `in ${took} ms`);
}

async function heals(t: Test, { server, proxy, call, descriptors }: Scene): Promise<void> {
  proxy.mode = { kind: 'fast' };
  t.equal(await allocateUntil(t, server, 'carol', 0), 0, 'by itself');
  t.ok(await isWhole(call));
  // The allocations of this test are in workers on the Linux plane, and a socket each on the portable one.
  const more = descriptorsOf(server) - descriptors;
  t.ok(more <= MORE_DESCRIPTORS, `${more} more descriptors`);
  t.ok(proxy.open <= 4, `${proxy.open} connections to the database`);
  t.same(server.log.filter(isUnexpected), []);
  t.equal(server.stderr, '');
}

// It may have begun to answer again while it was being read as a whole.
function isUnexpected({ level, event }: TurndProcess['log'][number]): boolean {
  return level === 'fatal' || (level === 'error' && event !== 'store-lost' && event !== 'store-unread');
}

type Stranger = readonly [what: string, mode: ProxyMode];

function says(bytes: Buffer): ProxyMode {
  return { kind: 'stranger', says: bytes };
}

const STRANGERS: readonly Stranger[] = [
  ['loses its connections in the middle of answers', { kind: 'cut' }],
  ['is a web server', says(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n<h1>what?</h1>'))],
  ['announces gigabytes', says(Buffer.from('447fffffff0001000000', 'hex'))],
];
const OWN_STRANGERS: Readonly<Record<string, Stranger>> = {
  PostgreSQL: ['wants an unknown proof', says(Buffer.from('520000000800000063', 'hex'))],
  Redis: ['speaks of a million arrays', says(Buffer.from('*1000000000\r\n$2000000000\r\n'))],
};

/** Declares the tests for one kind of store. */
export function testBadWays({ name, skip, start: startDatabase }: ServerKind): void {
  // One for all: it notices nothing of what happens on the way.
  let shared: Promise<TestDatabase> | null = null;
  const start = (): Promise<TestDatabase> => {
    shared ??= startDatabase();
    return shared;
  };
  test(`R12 ${name} takes five seconds for each answer`, { skip }, async (t) => {
    const scene = await setUp(t, await start());
    scene.proxy.mode = FIVE_SECONDS;
    const [answer, took] = await timed(allocateAs(t, scene.server, 'bob'));
    t.equal(answer, 500, 'a definite answer for whom the store alone knows');
    t.ok(took < DEFINITE_MS, `in ${took} ms`);
    await callsGoOn(t, scene);
    const [second, sooner] = await timed(allocateAs(t, scene.server, 'bob'));
    t.equal(second, 500);
    t.ok(sooner < DEFINITE_MS, `in ${sooner} ms`);
    await heals(t, scene);
  });

  test(`R12 ${name} takes one second for each answer: all are served`, { skip }, async (t) => {
    const scene = await setUp(t, await start());
    scene.proxy.mode = { kind: 'slow', ms: 1000 };
    t.equal(await allocateUntil(t, scene.server, 'bob', 0), 0);
    await callsGoOn(t, scene);
    await heals(t, scene);
  });

  test(`R12 ${name} answers byte by byte: all are served`, { skip }, async (t) => {
    const scene = await setUp(t, await start());
    scene.proxy.mode = { kind: 'bytewise' };
    t.equal(await allocateUntil(t, scene.server, 'bob', 0), 0);
    await callsGoOn(t, scene);
    await heals(t, scene);
  });

  const own = OWN_STRANGERS[name];
  const strangers: readonly Stranger[] = own === undefined ? STRANGERS : [...STRANGERS, own];
  for (const [what, mode] of strangers) {
    test(`R12 ${name} ${what}: nothing breaks`, { skip }, async (t) => {
      const scene = await setUp(t, await start());
      scene.proxy.mode = mode;
      const [answer, took] = await timed(allocateAs(t, scene.server, 'bob'));
      t.equal(answer, 500);
      t.ok(took < DEFINITE_MS, `in ${took} ms`);
      await callsGoOn(t, scene);
      await heals(t, scene);
    });
  }

  test(`${name} ends`, { skip }, async () => (await shared)?.close());
}
