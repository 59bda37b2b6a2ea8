// S23, S56: names, realms and origins that a careless server makes something else of, on the wire of a running turnd.
// Nobody is let in by another's name, the store goes on, and each is one literal parameter. One file runs it for each
// kind of store.

import { createHash } from 'node:crypto';
import { type Test, test } from 'tap';
import type { Store } from '../../../src/store/store.ts';
import { HOSTILE_TEXTS } from '../../store/contract.ts';
import { type RawClient, REQUEST } from '../../support/raw-client.ts';
import type { Teardown, TurndProcess } from '../../support/turnd-process.ts';
import { attr, type Decoded, message } from '../../support/wire.ts';
import { nonce, realm, requestedTransport, username } from '../../support/wire-attributes.ts';
import { addUser, clientOf, openAside, REALM, startWith } from './scene.ts';

/** A store for one test. */
export interface AskedStore {
  readonly url: string;
  /** Everything that it was asked with this text in it, one question each, and how that names the text; null: it keeps no log. */
  readonly asked:
    | ((text: string) => Promise<{ readonly questions: readonly string[]; readonly literal: string }>)
    | null;
}

/** A kind of store that tells what it is asked. */
export interface AskedKind {
  readonly name: string;
  readonly skip: string | false;
  start(t: Test): Promise<AskedStore>;
}

/** What the wire alone can say: longer than any name, no UTF-8, halves of characters. */
const RAW: readonly Buffer[] = [
  Buffer.alloc(0),
  Buffer.alloc(1),
  Buffer.from('alice\0x'),
  Buffer.alloc(763, 'x'),
  Buffer.alloc(764, 'x'),
  Buffer.alloc(508, 'é'),
  Buffer.from('ff', 'hex'),
  Buffer.from('616c696365ff', 'hex'),
  Buffer.from('c080', 'hex'),
  Buffer.from('eda080', 'hex'),
  Buffer.from('eda080edb080', 'hex'),
  Buffer.from('f4908080', 'hex'),
  Buffer.from('616c696365c0af', 'hex'),
];

/** What somebody who is not alice might be taken for alice by. */
const ALMOST_ALICE = [
  ...['Alice', 'ALICE', 'alice ', ' alice', 'alice\t', 'alice\r\n', 'álice', 'alicé', 'ａlice', 'alice\u200b', 'alıce'],
  ...['ali*', 'al?ce', '[a]lice', 'al%', 'alic_', "alice' OR '1'='1", "alice'--", 'alice/key', 'x/key\r\nGET alice'],
  ...['/user/alice/key', '../alice', `${REALM}/user/alice`, 'alice:', `alice:${REALM}`],
];

const INJECTIONS = [
  "wire' OR 1=1--",
  "wire'; DROP TABLE turnusers_lt; --",
  'wire%s%n%x',
  'wire__proto__',
  'wire" || 1',
  'wire[a]*?',
  'wire/user/x/key',
];

const ORIGIN = 0x802f;

interface Scene {
  readonly server: TurndProcess;
  readonly client: RawClient;
  readonly store: Store;
}

async function setUp(t: Teardown, url: string): Promise<Scene> {
  const store = await openAside(t, url);
  await addUser(store, 'alice');
  const env = {
    TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0',
    TURND_LIMITS__FAILED_LOGINS_PER_SECOND: '0',
  };
  const server = await startWith(t, { url, env, flags: ['--log-level', 'trace'] });
  const client = await clientOf(t, server, 'alice');
  await client.challenge();
  return { server, client, store };
}

interface Signer {
  readonly name: Buffer | string;
  readonly key: Buffer;
  readonly realm?: Buffer | string;
}

/** A Refresh of nobody's allocation: 437 to whom it knows, 401 or 400 to all others. */
async function answerTo({ client }: Scene, { name, key, realm: named = REALM }: Signer): Promise<number | undefined> {
  const attrs = [username(name), realm(named), nonce(client.nonce)];
  return (await client.exchange(message({ type: REQUEST.refresh, attrs, key }))).errorCode;
}

function keyOf(name: Buffer | string, ofRealm: Buffer | string = REALM): Buffer {
  const parts = [name, ':', ofRealm, ':secret-of-', name].map((part) => Buffer.from(part));
  return createHash('md5').update(Buffer.concat(parts)).digest();
}

const ALICE = keyOf('alice');
const IS_KNOWN = 437;

/** Nothing has happened that somebody would have to mend, and every line is one record. */
function isUnharmed(t: Test, { server }: Scene): void {
  t.ok(server.isAlive);
  const bad = server.log.filter(({ level, event }) => level === 'error' || level === 'fatal' || event === 'store-lost');
  t.same(bad, []);
  t.same(server.stdout.filter(isNoRecord), []);
  t.same(server.stderr, '');
}

function isNoRecord(line: string): boolean {
  try {
    return typeof JSON.parse(line) !== 'object';
  } catch {
    return true;
  }
}

function realmIn(answer: Decoded): string | undefined {
  return answer.text(attr.realm);
}

/** Declares the tests for one kind of store. */
export function testHostileNames({ name: kind, skip, start }: AskedKind): void {
  test(`S23 ${kind}: no name on the wire is taken for another, or harms the store`, { skip }, async (t) => {
    const scene = await setUp(t, (await start(t)).url);
    for (const name of [...RAW, ...ALMOST_ALICE, ...INJECTIONS, ...HOSTILE_TEXTS]) {
      for (const key of [ALICE, keyOf(name)]) {
        const code = await answerTo(scene, { name, key });
        t.ok(code === 401 || code === 400, `${code} to ${JSON.stringify(name.toString())}`);
      }
    }
    t.equal(await answerTo(scene, { name: 'alice', key: ALICE }), IS_KNOWN);
    t.same(await scene.store.listUsers({ realm: null, after: null, limit: 9 }), [{ realm: REALM, name: 'alice' }]);
    isUnharmed(t, scene);
  });

  test(`S23 ${kind}: who has a strange name is known by it alone`, { skip }, async (t) => {
    const scene = await setUp(t, (await start(t)).url);
    for (const name of HOSTILE_TEXTS) await addUser(scene.store, name);
    for (const name of HOSTILE_TEXTS) {
      t.equal(await answerTo(scene, { name, key: keyOf(name) }), IS_KNOWN, JSON.stringify(name));
      t.equal(await answerTo(scene, { name, key: ALICE }), 401, JSON.stringify(name));
      t.equal(await answerTo(scene, { name: `${name}.`, key: keyOf(name) }), 401, JSON.stringify(name));
    }
    isUnharmed(t, scene);
  });

  test(`S23 ${kind}: hostile realms and origins name no other realm`, { skip }, async (t) => {
    const scene = await setUp(t, (await start(t)).url);
    await scene.store.putOrigin({ origin: 'https://shop.example', realm: 'shop.example' });
    for (const text of [
      ...RAW,
      ...INJECTIONS,
      ...HOSTILE_TEXTS,
      'EXAMPLE.ORG',
      'example.org ',
      'shop.example/user/x',
    ]) {
      const asBytes = Buffer.from(text);
      const code = await answerTo(scene, { name: 'alice', realm: asBytes, key: keyOf('alice', asBytes) });
      t.ok(code === 401 || code === 400, `${code} to ${JSON.stringify(text.toString())}`);
      const attrs = [requestedTransport(), [ORIGIN, asBytes] as const];
      const answer = await scene.client.exchange(message({ type: REQUEST.allocate, attrs }));
      t.same([answer.errorCode, realmIn(answer)], [401, REALM], JSON.stringify(text.toString()));
    }
    t.equal(await answerTo(scene, { name: 'alice', key: ALICE }), IS_KNOWN);
    isUnharmed(t, scene);
  });

  test(`S23 ${kind}: what it is asked holds each name as one literal`, { skip }, async (t) => {
    const store = await start(t);
    if (store.asked === null) {
      t.pass('its own process keeps no log');
      return;
    }
    const scene = await setUp(t, store.url);
    for (const name of INJECTIONS) {
      t.equal(await answerTo(scene, { name, key: ALICE }), 401);
      const { questions, literal } = await store.asked(name);
      t.ok(questions.length > 0, `it was asked for ${name}`);
      t.same(
        questions.filter((question) => !question.includes(literal)),
        [],
      );
    }
    isUnharmed(t, scene);
  });
}
