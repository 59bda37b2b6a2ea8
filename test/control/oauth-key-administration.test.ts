// Administration of OAuth keys: what is taken, what is shown, and what a database may hold all the same.

import { test } from 'tap';
import { AdminError, type OauthKeyWish } from '../../src/control/administration.ts';
import { OauthKeyAdministration } from '../../src/control/oauth-key-administration.ts';
import { memoryStore, STORE_DOWN } from '../support/memory-store.ts';

const NOW = 1_700_000_000_900;
const START = 1_700_000_000;
const KEY = Buffer.alloc(32, 'canary').toString('base64');
const WISH: OauthKeyWish = { kid: 'north', realm: null, algorithm: 'A256GCM', key: KEY, expiresAt: null };

function setup() {
  const store = memoryStore();
  return { store, keys: new OauthKeyAdministration({ store, defaultRealm: 'example.org', now: () => NOW }) };
}

async function refusal(operation: Promise<unknown>): Promise<string> {
  try {
    await operation;
  } catch (error) {
    if (error instanceof AdminError) return `${error.fault}: ${error.message}`;
    throw error;
  }
  return 'was not refused';
}

test('OAuth keys: added as coturn keeps them, shown without the key, changed, removed', async (t) => {
  const { store, keys } = setup();
  const north = { kid: 'north', realm: 'example.org', algorithm: 'A256GCM', startsAt: START * 1000, expiresAt: null };
  t.same(await keys.add(WISH), { ...north, key: KEY });
  t.same(await store.listOauthKeys(), [
    { kid: 'north', ikmKey: KEY, timestamp: START, lifetime: 0, asRsAlg: 'A256GCM', realm: 'example.org' },
  ]);
  await keys.add({ ...WISH, kid: 'east', realm: 'other', expiresAt: NOW + 60_000 });
  t.match(await keys.list(null), [{ kid: 'east', expiresAt: (START + 60) * 1000 }, { kid: 'north' }]);
  t.strictSame(await keys.list('example.org'), [north]);
  t.strictSame(await keys.show('north', false), north);
  t.strictSame(await keys.show('north', true), { ...north, key: KEY });

  t.match(await keys.change('north', { expiresAt: NOW + 3_600_000 }), {
    realm: 'example.org',
    expiresAt: 1_700_003_600_000,
  });
  t.match(await keys.change('north', { realm: 'west' }), { realm: 'west', expiresAt: 1_700_003_600_000 });
  t.strictSame(await keys.change('north', { realm: 'example.org', expiresAt: null }), north);
  t.match(
    await store.listOauthKeys(),
    [{ kid: 'north', ikmKey: KEY, timestamp: START, lifetime: 0 }, {}],
    'the rest stays',
  );
  t.strictSame(await keys.remove('north'), north);
  t.equal(await refusal(keys.remove('north')), 'not-found: there is no OAuth key "north"');
});

test('OAuth keys: one that is made has the length of its algorithm', async (t) => {
  const { keys } = setup();
  for (const [algorithm, bytes] of [
    ['A256GCM', 32],
    ['A128GCM', 16],
  ] as const) {
    const { key = '' } = await keys.add({ ...WISH, kid: algorithm, algorithm, key: null });
    t.equal(Buffer.from(key, 'base64').length, bytes);
    const { key: other } = await keys.add({ ...WISH, kid: `${algorithm}-2`, algorithm, key: null });
    t.not(other, key);
  }
});

test('OAuth keys: what is refused, without a word of the key', async (t) => {
  const { store, keys } = setup();
  await keys.add(WISH);
  const short = Buffer.alloc(31, 'canary').toString('base64');
  for (const [wish, why] of [
    [{}, 'conflict: OAuth key "north" is there already: a new key needs an ID of its own'],
    [{ kid: '' }, 'invalid: the ID of the key is empty'],
    [{ kid: 'x'.repeat(129) }, 'invalid: the ID of the key is longer than 128 characters'],
    [{ kid: 'a\u0000' }, /^invalid: the ID "a.+" has a character that is not allowed/],
    [{ kid: 'e\u0301' }, /^invalid: the ID ".+" is not as clients send it/],
    [{ kid: 'a', algorithm: 'HS256' }, 'invalid: the algorithm must be A256GCM or A128GCM'],
    [{ kid: 'a', algorithm: 'toString' }, 'invalid: the algorithm must be A256GCM or A128GCM'],
    [{ kid: 'a', key: short }, 'invalid: the key is too short: A256GCM needs 32 bytes, in Base64'],
    [{ kid: 'a', key: 'canary!' }, 'invalid: the key is not Base64 with its padding'],
    [{ kid: 'a', key: `${KEY}\n` }, 'invalid: the key is not Base64 with its padding'],
    [{ kid: 'a', key: '' }, 'invalid: the key is too short: A256GCM needs 32 bytes, in Base64'],
    [{ kid: 'a', key: 'canary00'.repeat(33) }, 'invalid: the key is longer than 256 characters'],
    [{ kid: 'a', realm: '' }, 'invalid: the realm is empty'],
    [{ kid: 'a', expiresAt: NOW }, /^invalid: the end of a key must be later/],
    [{ kid: 'a', expiresAt: Number.NaN }, /^invalid: the end of a key must be later/],
    [{ kid: 'a', expiresAt: NOW * 3 }, /^invalid: the end of a key must be later/],
  ] as const) {
    const said = await refusal(keys.add({ ...WISH, ...wish }));
    t.match(said, why);
    t.notMatch(said, /canary|Y2FuYXJ5/);
  }
  t.equal((await store.listOauthKeys()).length, 1);
  t.equal(await refusal(keys.show('', false)), 'invalid: the ID of the key is empty');
  t.equal(await refusal(keys.change('south', { expiresAt: null })), 'not-found: there is no OAuth key "south"');
  t.match(await refusal(keys.change('north', { expiresAt: 1 })), /^invalid: the end/);
  store.fail(STORE_DOWN);
  t.equal(await refusal(keys.list(null)), `unavailable: ${STORE_DOWN.message}`);
});

test('OAuth keys of others: a key of any age, and numbers that no date has', async (t) => {
  const { store, keys } = setup();
  const row = { ikmKey: 'MTIz', asRsAlg: '', realm: '' };
  await store.putOauthKey({ ...row, kid: 'a/b', timestamp: 0, lifetime: 0 });
  await store.putOauthKey({ ...row, kid: 'big', timestamp: 2 ** 52, lifetime: 1 });
  t.match(await keys.list(null), [
    { kid: 'a/b', realm: '', algorithm: '', startsAt: null, expiresAt: null },
    { kid: 'big', startsAt: 8.64e15, expiresAt: 8.64e15 },
  ]);
  t.match(await keys.change('a/b', { expiresAt: NOW }), { expiresAt: START * 1000 });
  t.equal((await keys.remove('a/b')).kid, 'a/b');
});
