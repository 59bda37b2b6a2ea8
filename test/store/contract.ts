// What every store must do, as one suite over a factory: each driver runs it on a real server. The texts are hostile
// on purpose (SECURITY.md S23).

import { createHash } from 'node:crypto';
import { type Test, test } from 'tap';
import { StoreError } from '../../src/errors.ts';
import type { RealmOption, Store, StoredUser, StoreKind, UserId } from '../../src/store/store.ts';

/** An empty store for one test; the caller closes it. */
export type OpenEmptyStore = (t: Test) => Promise<Store>;

/** Texts that a careless driver makes something else of. Each can be kept, and none may be taken for another. */
export const HOSTILE_TEXTS: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  "' OR 1=1--",
  '" OR ""="',
  "a'; DROP TABLE turnusers_lt; --",
  '%s%n%x',
  '%',
  '_',
  '*',
  '?',
  '[a-z]',
  '$1',
  ':name',
  '\\',
  "\\'",
  '\r\nDEL x',
  '\r\n$3\r\nfoo',
  '\t',
  ' ',
  'a',
  'A',
  'a ',
  ' a',
  'a/b',
  'a:b',
  'user/key',
  'é',
  'e\u0301',
  'ß',
  'ss',
  'ı',
  '🦊',
  '🦊🦊',
  '日本',
  '\u202e',
  '\u007f',
  '\u0001',
  'null',
  '0',
  'x'.repeat(512),
];

/** Texts that no SQL database keeps as they are: absent for who asks, refused or kept whole when written. */
const UNKEEPABLE_TEXTS: readonly string[] = ['\0', 'a\0b', '\ud800', 'x'.repeat(763), '🦊'.repeat(600)];

const MISSING: UserId = { realm: 'example.org', name: 'nobody' };

/** Runs the suite; `skip` is a reason to skip it. */
export function describeStore(kind: StoreKind, openEmpty: OpenEmptyStore, skip: string | false): void {
  const check = (behaviour: string, run: (t: Test, store: Store) => Promise<void>): void => {
    void test(`${kind}: ${behaviour}`, { skip }, async (t) => {
      const store = await openEmpty(t);
      t.teardown(() => store.close());
      await run(t, store);
    });
  };

  check('says what it is', async (t, store) => {
    t.equal(store.kind, kind);
    t.match(store.name, /^\w+:\/\//);
    await store.ping();
  });

  check('an empty store has nothing', async (t, store) => {
    t.equal(await store.findUser(MISSING), null);
    t.same(await store.listUsers({ realm: null, after: null, limit: 10 }), []);
    t.same(await store.snapshot(), { secrets: [], peerRules: [], realms: [], origins: [] });
    t.same(await store.listOauthKeys(), []);
    t.same(await store.listAdmins(), []);
    t.equal(await store.removeUser(MISSING), false);
    t.equal(await store.removeSecret('example.org', 'none'), false);
    t.equal(await store.removePeerRule({ realm: '', kind: 'deny', range: '10.0.0.0/8' }), false);
    t.equal(await store.removeOrigin('https://example.org'), false);
    t.equal(await store.removeOauthKey('none'), false);
    t.equal(await store.removeAdmin('none'), false);
  });

  check('keeps users, replaces and removes them', async (t, store) => {
    const user = userOf('example.org', 'alice', 'first');
    await store.putUser(user);
    sameUser(t, await store.findUser(user), user);
    const changed = userOf('example.org', 'alice', 'second');
    await store.putUser(changed);
    await store.putUser(changed);
    sameUser(t, await store.findUser(user), changed);
    t.same(await store.listUsers({ realm: null, after: null, limit: 10 }), [{ realm: 'example.org', name: 'alice' }]);
    t.equal(await store.findUser({ realm: 'example.com', name: 'alice' }), null);
    t.equal(await store.removeUser(user), true);
    t.equal(await store.removeUser(user), false);
    t.equal(await store.findUser(user), null);
  });

  check('keeps a user without SHA-256 key, and takes an old one away', async (t, store) => {
    const user = userOf('example.org', 'alice', 'first');
    await store.putUser(user);
    await store.putUser({ ...user, sha256Key: null });
    sameUser(t, await store.findUser(user), { ...user, sha256Key: null });
    await store.removeUser(user);
    await store.putUser({ ...user, sha256Key: null });
    sameUser(t, await store.findUser(user), { ...user, sha256Key: null });
  });

  check('S23: hostile names and realms are literal', async (t, store) => {
    const names = HOSTILE_TEXTS;
    for (const name of names) await store.putUser(userOf('r', name, `of ${name}`));
    for (const name of names) {
      sameUser(t, await store.findUser({ realm: 'r', name }), userOf('r', name, `of ${name}`));
    }
    const realms = HOSTILE_TEXTS.filter((text) => text.length <= 127);
    for (const realm of realms) await store.putUser(userOf(realm, 'u', `in ${realm}`));
    for (const realm of realms) {
      sameUser(t, await store.findUser({ realm, name: 'u' }), userOf(realm, 'u', `in ${realm}`));
      t.same(
        (await store.listUsers({ realm, after: null, limit: 1000 })).map(({ name }) => name),
        ['u'],
        `users of ${JSON.stringify(realm)}`,
      );
    }
    for (const name of names) t.equal(await store.removeUser({ realm: 'r', name }), true, JSON.stringify(name));
    t.equal((await store.listUsers({ realm: null, after: null, limit: 1000 })).length, realms.length);
  });

  check('S23: texts that were never put are not found, nor removed', async (t, store) => {
    await store.putUser(userOf('r', 'alice', 'p'));
    await store.putSecret({ realm: 'r', value: 'alice', expiresAt: null });
    const others = [...HOSTILE_TEXTS, ...UNKEEPABLE_TEXTS, 'Alice', 'ALICE', 'alice ', 'alicé', 'alice\0', 'alic', ''];
    for (const text of others) {
      t.equal(await store.findUser({ realm: 'r', name: text }), null, JSON.stringify(text));
      t.equal(await store.findUser({ realm: text, name: 'alice' }), null);
      t.equal(await store.removeUser({ realm: 'r', name: text }), false);
      t.equal(await store.removeUser({ realm: text, name: 'alice' }), false);
      t.equal(await store.removeSecret('r', text), false);
      t.equal(await store.removeSecret(text, 'alice'), false);
      t.same(await store.listUsers({ realm: text, after: null, limit: 10 }), []);
    }
    t.not(await store.findUser({ realm: 'r', name: 'alice' }), null);
  });

  check('S23: what cannot be kept is refused, or kept whole', async (t, store) => {
    for (const text of UNKEEPABLE_TEXTS) {
      const user = userOf('r', text, 'p');
      const isKept = await isDone(t, store.putUser(user));
      if (isKept) sameUser(t, await store.findUser(user), user);
      else t.equal(await store.findUser(user), null);
      await isDone(t, store.putSecret({ realm: 'r', value: text, expiresAt: null }));
      await isDone(t, store.putOrigin({ origin: text, realm: 'r' }));
    }
    await store.ping();
    const { secrets, origins } = await store.snapshot();
    for (const { value } of secrets) t.ok(UNKEEPABLE_TEXTS.includes(value), 'no secret was cut');
    for (const { origin } of origins) t.ok(UNKEEPABLE_TEXTS.includes(origin), 'no origin was cut');
  });

  check('lists users by code point, in pages', async (t, store) => {
    const names = ['B', 'a', 'b', 'B ', 'é', 'z', '🦊', '\ufb01', '10', '9', 'A'];
    for (const realm of ['r', 'R', 'q']) for (const name of names) await store.putUser(userOf(realm, name, 'p'));
    const expected = ['R', 'q', 'r'].flatMap((realm) => sorted(names).map((name) => ({ realm, name })));
    t.same(await store.listUsers({ realm: null, after: null, limit: 100 }), expected);
    t.same(await store.listUsers({ realm: 'q', after: null, limit: 3 }), expected.slice(11, 14));
    t.same(await store.listUsers({ realm: 'q', after: { realm: 'q', name: 'z' }, limit: 100 }), expected.slice(19, 22));
    const paged: UserId[] = [];
    for (;;) {
      const page = await store.listUsers({ realm: null, after: paged.at(-1) ?? null, limit: 4 });
      paged.push(...page);
      if (page.length < 4) break;
    }
    t.same(paged, expected);
  });

  check('goes on after a user who is no more', async (t, store) => {
    for (const name of ['a', 'c']) await store.putUser(userOf('r', name, 'p'));
    t.same(await store.listUsers({ realm: null, after: { realm: 'r', name: 'b' }, limit: 9 }), [
      { realm: 'r', name: 'c' },
    ]);
  });

  check('keeps secrets and their ends', async (t, store) => {
    const end = 1_900_000_000_123;
    await store.putSecret({ realm: 'r', value: 'one', expiresAt: null });
    await store.putSecret({ realm: 'r', value: 'One', expiresAt: null });
    await store.putSecret({ realm: '', value: 'two', expiresAt: end });
    await store.putSecret({ realm: 'r', value: 'one', expiresAt: end });
    const secrets = async () => sortedBy((await store.snapshot()).secrets, ({ value }) => value);
    t.same(await secrets(), [
      { realm: 'r', value: 'One', expiresAt: null },
      { realm: 'r', value: 'one', expiresAt: end },
      { realm: '', value: 'two', expiresAt: end },
    ]);
    await store.putSecret({ realm: 'r', value: 'one', expiresAt: null });
    t.equal(await store.removeSecret('', 'two'), true);
    t.equal(await store.removeSecret('', 'two'), false);
    await store.putSecret({ realm: '', value: 'two', expiresAt: null });
    t.same(await secrets(), [
      { realm: 'r', value: 'One', expiresAt: null },
      { realm: 'r', value: 'one', expiresAt: null },
      { realm: '', value: 'two', expiresAt: null },
    ]);
  });

  check('keeps peer rules', async (t, store) => {
    const rules = [
      { realm: '', kind: 'deny', range: '10.0.0.0/8' },
      { realm: 'r', kind: 'allow', range: '10.0.0.1' },
      { realm: 'r', kind: 'deny', range: '10.0.0.1' },
      { realm: 'r', kind: 'deny', range: 'fd00::1-fd00::ff' },
    ] as const;
    for (const rule of rules) await store.putPeerRule(rule);
    for (const rule of rules) await store.putPeerRule(rule);
    const list = async () => sortedBy((await store.snapshot()).peerRules, (rule) => JSON.stringify(rule));
    t.same(
      await list(),
      sortedBy(rules, (rule) => JSON.stringify(rule)),
    );
    t.equal(await store.removePeerRule(rules[1]), true);
    t.equal(await store.removePeerRule(rules[1]), false);
    t.same(
      await list(),
      sortedBy([rules[0], rules[2], rules[3]], (rule) => JSON.stringify(rule)),
    );
  });

  check('keeps the options of realms', async (t, store) => {
    const options: readonly RealmOption[] = ['maxBps', 'totalQuota', 'userQuota'];
    for (const [index, option] of options.entries()) await store.setRealmOption('r', option, index + 1);
    await store.setRealmOption('R', 'maxBps', 9_000_000_000);
    await store.setRealmOption('r', 'maxBps', 0);
    await store.setRealmOption('r', 'userQuota', null);
    await store.setRealmOption('q', 'userQuota', null);
    const realms = sortedBy((await store.snapshot()).realms, ({ realm }) => realm);
    t.same(realms, [
      { realm: 'R', maxBps: 9_000_000_000, totalQuota: null, userQuota: null },
      { realm: 'r', maxBps: 0, totalQuota: 2, userQuota: null },
    ]);
  });

  check('keeps origins', async (t, store) => {
    await store.putOrigin({ origin: 'https://a.example', realm: 'r' });
    await store.putOrigin({ origin: 'https://A.example', realm: 'other' });
    await store.putOrigin({ origin: 'https://a.example', realm: 's' });
    t.same(
      sortedBy((await store.snapshot()).origins, ({ origin }) => origin),
      [
        { origin: 'https://A.example', realm: 'other' },
        { origin: 'https://a.example', realm: 's' },
      ],
    );
    t.equal(await store.removeOrigin('https://a.example'), true);
    t.equal(await store.removeOrigin('https://a.example'), false);
    t.equal((await store.snapshot()).origins.length, 1);
  });

  check('keeps OAuth keys', async (t, store) => {
    const key = {
      kid: 'north',
      ikmKey: 'Y2FycGVkaWVt',
      timestamp: 4_102_444_800,
      lifetime: 86_400,
      asRsAlg: 'A256GCM',
      realm: 'r',
    };
    await store.putOauthKey({ ...key, lifetime: 1 });
    await store.putOauthKey(key);
    await store.putOauthKey({ ...key, kid: 'North', timestamp: 0, lifetime: 0, asRsAlg: 'A128GCM', realm: '' });
    t.same(
      sortedBy(await store.listOauthKeys(), ({ kid }) => kid),
      [{ ...key, kid: 'North', timestamp: 0, lifetime: 0, asRsAlg: 'A128GCM', realm: '' }, key],
    );
    t.equal(await store.removeOauthKey('north'), true);
    t.equal(await store.removeOauthKey('north'), false);
    t.equal((await store.listOauthKeys()).length, 1);
  });

  check('keeps admins', async (t, store) => {
    await store.putAdmin({ name: 'root', realm: '', password: '$5$old' });
    await store.putAdmin({ name: 'root', realm: 'r', password: '$5$fe1d$hash' });
    await store.putAdmin({ name: "o'hara", realm: '', password: 'plain' });
    t.same(
      sortedBy(await store.listAdmins(), ({ name }) => name),
      [
        { name: "o'hara", realm: '', password: 'plain' },
        { name: 'root', realm: 'r', password: '$5$fe1d$hash' },
      ],
    );
    t.equal(await store.removeAdmin('root'), true);
    t.equal(await store.removeAdmin('root'), false);
  });

  check('serves 50 calls at once', async (t, store) => {
    const users = Array.from({ length: 50 }, (_, index) => userOf('r', `user ${index % 25}`, `p ${index % 25}`));
    await Promise.all(users.map((user) => store.putUser(user)));
    const found = await Promise.all(users.map((user) => store.findUser(user)));
    for (const [index, user] of users.entries()) sameUser(t, found[index] ?? null, user);
    t.equal((await store.listUsers({ realm: null, after: null, limit: 100 })).length, 25);
  });

  check('50 writers of one row leave one row', async (t, store) => {
    const ranges = Array.from({ length: 50 }, () => ({ realm: '', kind: 'deny', range: '10.0.0.0/8' }) as const);
    await Promise.all(ranges.map((rule) => store.putPeerRule(rule)));
    t.equal((await store.snapshot()).peerRules.length, 1);
  });

  check('closes, and refuses calls from then on', async (t, store) => {
    await Promise.all([store.close(), store.close()]);
    await store.close();
    for (const call of [store.ping(), store.findUser(MISSING), store.snapshot()]) {
      const error: unknown = await call.then(
        () => null,
        (reason) => reason,
      );
      t.ok(error instanceof StoreError, String(error));
    }
  });
}

/** A user with the keys of a password. */
export function userOf(realm: string, name: string, password: string): StoredUser {
  const hash = (algorithm: string): Buffer =>
    createHash(algorithm).update(`${name}:${realm}:${password}`, 'utf8').digest();
  return { realm, name, md5Key: hash('md5'), sha256Key: hash('sha256') };
}

function sameUser(t: Test, found: StoredUser | null, user: StoredUser): void {
  const show = (shown: StoredUser | null): string =>
    JSON.stringify([
      shown?.realm,
      shown?.name,
      shown?.md5Key.toString('hex'),
      shown?.sha256Key?.toString('hex') ?? null,
    ]);
  t.equal(show(found), show(user));
}

/** Whether a call did what it was asked; if not, it must have refused as stores do. */
async function isDone(t: Test, call: Promise<void>): Promise<boolean> {
  const error: unknown = await call.then(
    () => null,
    (reason) => reason,
  );
  if (error === null) return true;
  t.ok(error instanceof StoreError, String(error));
  return false;
}

function sorted(texts: readonly string[]): readonly string[] {
  return texts.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function sortedBy<T>(values: readonly T[], key: (value: T) => string): readonly T[] {
  return values.toSorted((a, b) => Buffer.compare(Buffer.from(key(a)), Buffer.from(key(b))));
}
