// Administration of a store: what is taken, what is derived, and how faults are told.

import { createHash } from 'node:crypto';
import { test } from 'tap';
import { AdminError, type AdminFault } from '../../src/control/administration.ts';
import { StoreAdministration } from '../../src/control/store-administration.ts';
import { notifyingStore } from '../../src/store/notifying-store.ts';
import { type MemoryStore, memoryStore, STORE_DOWN } from '../support/memory-store.ts';

const NOW = 1_700_000_000_000;

interface Setup {
  readonly store: MemoryStore;
  readonly admin: StoreAdministration;
  readonly changes: () => number;
  tick(milliseconds: number): void;
}

function setup(): Setup {
  const store = memoryStore();
  let now = NOW;
  let made = 0;
  let changes = 0;
  const told = async (): Promise<void> => {
    changes++;
  };
  const admin = new StoreAdministration({
    store: notifyingStore(store, told),
    defaultRealm: 'example.org',
    now: () => now,
    makeSecret: () => `made-secret-number-${++made}`,
    isConfigured: ({ realm, name }) => realm === 'example.org' && name === 'static',
  });
  const tick = (milliseconds: number): void => {
    now += milliseconds;
  };
  return { store, admin, changes: () => changes, tick };
}

/** What an operation is refused with. */
async function refusal(operation: Promise<unknown>): Promise<{ fault: AdminFault | null; message: string }> {
  try {
    await operation;
  } catch (error) {
    if (error instanceof AdminError) return { fault: error.fault, message: error.message };
    throw error;
  }
  return { fault: null, message: 'was not refused' };
}

const ALICE = { realm: 'example.org', name: 'alice' };

function hashOf(kind: 'md5' | 'sha256', text: string): string {
  return createHash(kind).update(text).digest('hex');
}

test('users: added with both keys, shown without, changed, removed', async (t) => {
  const { store, admin, changes } = setup();
  t.same(await admin.addUser(ALICE, 'pässword 1'), { ...ALICE, sha256: true });
  const [stored] = [...store.users.values()];
  t.equal(stored?.md5Key.toString('hex'), hashOf('md5', 'alice:example.org:pässword 1'));
  t.equal(stored?.sha256Key?.toString('hex'), hashOf('sha256', 'alice:example.org:pässword 1'));
  t.same(await admin.showUser(ALICE), { ...ALICE, sha256: true });
  t.same(await admin.listUsers({ realm: null, after: null, limit: 9 }), [ALICE]);
  t.same(await refusal(admin.addUser(ALICE, 'other')), {
    fault: 'conflict',
    message: 'user "alice" is there already in realm "example.org"',
  });
  await admin.setPassword(ALICE, 'second');
  t.equal([...store.users.values()][0]?.md5Key.toString('hex'), hashOf('md5', 'alice:example.org:second'));
  t.equal(changes(), 2);
  await admin.removeUser(ALICE);
  t.equal(store.users.size, 0);
  for (const operation of [admin.removeUser(ALICE), admin.showUser(ALICE), admin.setPassword(ALICE, 'x')]) {
    t.same(await refusal(operation), {
      fault: 'not-found',
      message: 'there is no user "alice" in realm "example.org"',
    });
  }
});

test('a password and a realm are prepared by OpaqueString (RFC 8265)', async (t) => {
  const { store, admin } = setup();
  await admin.addUser({ realm: 'e\u0301t\u00a0e', name: 'alice' }, 'e\u0301\u3000x');
  t.match([...store.users.values()], [{ realm: 'ét e' }]);
  t.equal([...store.users.values()][0]?.md5Key.toString('hex'), hashOf('md5', 'alice:ét e:é x'));
});

const BAD_NAMES: Readonly<Record<string, RegExp>> = {
  '': /^the user name is empty$/,
  [`${'x'.repeat(509)}`]: /^the user name is longer than 508 bytes/,
  [`${'é'.repeat(255)}`]: /^the user name is longer than 508 bytes/,
  'a\nb': /^the user name "a\\u000ab" has a character that is not allowed/,
  'a\u001b[31m': /"a\\u001b\[31m" has a character/,
  'a\u0000': /has a character/,
  'a\u200b': /has a character/,
  'a\ud800': /has a character/,
  'a\ufffd': /has a character/,
  'e\u0301': /not as clients send it \(RFC 8265\): write "é"$/,
  'a\u00a0b': /write "a b"$/,
};

test('names that no client could prove are refused', async (t) => {
  const { store, admin } = setup();
  for (const [name, message] of Object.entries(BAD_NAMES)) {
    t.match(await refusal(admin.addUser({ realm: 'r', name }, 'password')), { fault: 'invalid', message });
  }
  for (const [realm, message] of [
    ['', /^the realm is empty$/],
    ['r'.repeat(128), /^the realm is longer than 127/],
    ['r\n', /^the realm "r\\u000a" has/],
  ] as const) {
    t.match(await refusal(admin.addUser({ realm, name: 'alice' }, 'password')), { fault: 'invalid', message });
  }
  t.equal(store.users.size, 0);
});

test('names of any other kind are taken as they are, and can be removed', async (t) => {
  const { admin } = setup();
  for (const name of ['a/b', '..', '%2e', "' or 1=1 --", 'x:y', '名前', '🦊', '__proto__', 'x'.repeat(508)]) {
    const id = { realm: 'r', name };
    t.same(await admin.addUser(id, 'password'), { ...id, sha256: true });
    await admin.removeUser(id);
  }
});

test('what a database holds already can be removed, whatever its name', async (t) => {
  const { store, admin } = setup();
  const user = { realm: 'r', name: 'a\u0007', md5Key: Buffer.alloc(16), sha256Key: null };
  await store.putUser(user);
  t.same(await admin.showUser(user), { realm: 'r', name: 'a\u0007', sha256: false });
  await admin.removeUser(user);
  t.equal(store.users.size, 0);
});

test('bad passwords and secrets are refused and never repeated (S55)', async (t) => {
  const { admin } = setup();
  for (const [password, message] of [
    ['', 'the password is empty'],
    ['CANARY\u0007', /^the password has a character that is not allowed/],
    [`CANARY${'x'.repeat(1024)}`, 'the password is longer than 1024 bytes'],
  ] as const) {
    const refused = await refusal(admin.addUser(ALICE, password));
    t.match(refused, { fault: 'invalid', message });
    t.notMatch(refused.message, /CANARY/);
  }
  for (const secret of ['', 'CANARY\n', `CANARY${'x'.repeat(256)}`]) {
    const refused = await refusal(admin.addSecret('r', secret));
    t.equal(refused.fault, 'invalid');
    t.notMatch(refused.message, /CANARY/);
  }
});

test('a user of the configuration file is not shadowed', async (t) => {
  const { admin } = setup();
  const id = { realm: 'example.org', name: 'static' };
  const text = 'user "static" is in the configuration file: change or remove it there';
  for (const operation of [admin.addUser(id, 'password'), admin.removeUser(id), admin.setPassword(id, 'password')]) {
    t.same(await refusal(operation), { fault: 'conflict', message: text });
  }
});

test('secrets: listed by id, revealed where asked for, removed by the beginning of the id', async (t) => {
  const { admin } = setup();
  const id = hashOf('sha256', 'made-secret-number-1').slice(0, 12);
  t.same(await admin.addSecret('r', null), { realm: 'r', id, expiresAt: null, value: 'made-secret-number-1' });
  t.same(await admin.listSecrets(null, false), [{ realm: 'r', id, expiresAt: null }]);
  t.match(await admin.listSecrets('r', true), [{ value: 'made-secret-number-1' }]);
  t.same(await admin.listSecrets('other', true), []);
  t.match(await refusal(admin.addSecret('r', 'made-secret-number-1')), {
    fault: 'conflict',
    message: `secret ${id} is there already in realm "r"`,
  });
  t.equal((await refusal(admin.removeSecret('r', ''))).fault, 'invalid');
  t.equal((await refusal(admin.removeSecret('r', id.slice(0, 3)))).fault, 'invalid');
  t.equal((await refusal(admin.removeSecret('r', 'made-secret-number-1'))).fault, 'invalid');
  t.equal((await refusal(admin.removeSecret('other', id))).fault, 'not-found');
  t.same(await admin.removeSecret('r', id.slice(0, 4).toUpperCase()), { realm: 'r', id, expiresAt: null });
  t.same(await admin.listSecrets('r', false), []);
});

test('a beginning that several secrets share removes none', async (t) => {
  const { admin } = setup();
  // Found by trying: the ids of these two begin with the same four digits.
  const [one, two] = collidingSecrets();
  await admin.addSecret('r', one);
  await admin.addSecret('r', two);
  const start = hashOf('sha256', one).slice(0, 4);
  t.match(await refusal(admin.removeSecret('r', start)), { fault: 'invalid', message: /give more digits/ });
  t.equal((await admin.listSecrets('r', false)).length, 2);
});

function collidingSecrets(): [string, string] {
  const seen = new Map<string, string>();
  for (let n = 0; ; n++) {
    const secret = `secret-${n}`;
    const start = hashOf('sha256', secret).slice(0, 4);
    const other = seen.get(start);
    if (other !== undefined) return [other, secret];
    seen.set(start, secret);
  }
}

test('rotation: the old secret goes on for the grace time, and then goes', async (t) => {
  const { admin, store, tick } = setup();
  t.match(await refusal(admin.rotateSecret('r', null, 60)), { fault: 'not-found', message: /has no secret to rotate/ });
  await admin.addSecret('r', 'first-secret');
  t.match(await admin.rotateSecret('r', null, 3600), { value: 'made-secret-number-2', expiresAt: null });
  t.match(store.secrets, [
    { value: 'made-secret-number-2', expiresAt: null },
    { value: 'first-secret', expiresAt: NOW + 3_600_000 },
  ]);
  // A longer grace time does not prolong what is to end sooner; the shorter one shortens it.
  await admin.rotateSecret('r', 'third-secret', 86_400);
  t.equal(store.secrets.find(({ value }) => value === 'first-secret')?.expiresAt, NOW + 3_600_000);
  tick(3_600_001);
  await admin.rotateSecret('r', 'fourth-secret', 60);
  t.equal(
    store.secrets.find(({ value }) => value === 'first-secret'),
    undefined,
    'what has ended is taken away',
  );
  t.equal(store.secrets.length, 3);
  await admin.rotateSecret('r', 'fifth-secret', 0);
  t.match(store.secrets, [{ value: 'fifth-secret', expiresAt: null }]);
  t.equal(store.secrets.length, 1);
  for (const grace of [-1, 0.5, Number.NaN, 40_000_000]) {
    t.equal((await refusal(admin.rotateSecret('r', null, grace))).fault, 'invalid');
  }
});

test('rotation to a secret that has ended brings it back', async (t) => {
  const { admin, store, tick } = setup();
  await admin.addSecret('r', 'first-secret');
  await admin.rotateSecret('r', 'second-secret', 60);
  tick(60_001);
  await admin.rotateSecret('r', 'first-secret', 60);
  t.equal(store.secrets.find(({ value }) => value === 'first-secret')?.expiresAt, null);
});

test('peer rules: every form of a range, and nothing else', async (t) => {
  const { admin } = setup();
  const rule = (range: string, kind: 'allow' | 'deny' = 'deny', realm = '') => ({ realm, kind, range });
  for (const range of ['10.0.0.1', '10.0.0.0/8', '10.0.0.1-10.0.0.9', '2001:db8::/32']) {
    await admin.addPeerRule(rule(range));
  }
  t.equal((await admin.listPeerRules('')).length, 4);
  t.same(await admin.listPeerRules('r'), []);
  for (const range of ['', 'x', '10.0.0.1/8', '10.0.0.9-10.0.0.1', '10.0.0.1-::1', '10.0.0.0/33', '\u001b[31m']) {
    const refused = await refusal(admin.addPeerRule(rule(range)));
    t.equal(refused.fault, 'invalid', range);
    t.notOk(refused.message.includes('\u001b'));
  }
  await admin.removePeerRule(rule('10.0.0.1/32'));
  t.equal((await admin.listPeerRules(null)).length, 3, 'another spelling of the same range');
  t.match(await refusal(admin.removePeerRule(rule('10.0.0.1'))), {
    fault: 'not-found',
    message: 'there is no rule deny "10.0.0.1" for all realms',
  });
  t.equal((await refusal(admin.removePeerRule(rule('10.0.0.0/8', 'allow')))).fault, 'not-found');
  t.equal((await refusal(admin.removePeerRule(rule('10.0.0.0/8', 'deny', 'r')))).fault, 'not-found');
});

test('realms: the default one and those with options or origins', async (t) => {
  const { admin } = setup();
  const none = { maxBps: null, totalQuota: null, userQuota: null, origins: [] };
  t.same(await admin.listRealms(), [{ realm: 'example.org', ...none }]);
  await admin.setRealmOption('b', 'userQuota', 5);
  await admin.addOrigin({ origin: 'https://app.example', realm: 'a' });
  t.same(await admin.listRealms(), [
    { realm: 'a', ...none, origins: ['https://app.example'] },
    { realm: 'b', ...none, userQuota: 5 },
    { realm: 'example.org', ...none },
  ]);
  t.match(await refusal(admin.addOrigin({ origin: 'https://app.example', realm: 'b' })), {
    fault: 'conflict',
    message: 'origin "https://app.example" belongs to realm "a": remove it first',
  });
  await admin.setRealmOption('b', 'userQuota', null);
  t.equal((await admin.listRealms())[1]?.userQuota, null);
  for (const value of [-1, 1.5, 2 ** 31]) {
    t.equal((await refusal(admin.setRealmOption('b', 'maxBps', value))).fault, 'invalid');
  }
  t.equal((await refusal(admin.addOrigin({ origin: 'a b', realm: 'b' }))).fault, 'invalid');
  await admin.removeOrigin('https://app.example');
  t.equal((await refusal(admin.removeOrigin('https://app.example'))).fault, 'not-found');
  t.equal((await refusal(admin.removeOrigin(''))).fault, 'invalid');
});

test('a store that fails is unavailable, in its own words; anything else is told without detail', async (t) => {
  const { admin, store } = setup();
  store.fail(STORE_DOWN);
  const all = [
    () => admin.listUsers({ realm: null, after: null, limit: 1 }),
    () => admin.showUser(ALICE),
    () => admin.addUser(ALICE, 'password'),
    () => admin.setPassword(ALICE, 'password'),
    () => admin.removeUser(ALICE),
    () => admin.listSecrets(null, true),
    () => admin.addSecret('r', null),
    () => admin.rotateSecret('r', null, 1),
    () => admin.removeSecret('r', 'abcd'),
    () => admin.listPeerRules(null),
    () => admin.addPeerRule({ realm: '', kind: 'deny', range: '10.0.0.1' }),
    () => admin.removePeerRule({ realm: '', kind: 'deny', range: '10.0.0.1' }),
    () => admin.listRealms(),
    () => admin.setRealmOption('r', 'maxBps', 1),
    () => admin.addOrigin({ origin: 'o', realm: 'r' }),
    () => admin.removeOrigin('o'),
  ];
  for (const operation of all) {
    t.same(await refusal(operation()), { fault: 'unavailable', message: STORE_DOWN.message });
  }
  store.fail(new TypeError('CANARY'));
  t.same(await refusal(admin.showUser(ALICE)), {
    fault: 'unavailable',
    message: 'the store sqlite:memory failed in an unknown way',
  });
});
