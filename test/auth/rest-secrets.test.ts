import { test } from 'tap';
import { RestSecrets } from '../../src/auth/rest-secrets.ts';
import { StaticUsers } from '../../src/auth/static-users.ts';
import type { Clock, Credential } from '../../src/turn/env.ts';

// The vector derived-turn-rest: draft-uberti-behave-turn-rest-00 §2.2 with the secret `north`.
const EXPIRY = 1_700_000_000;
const NAME = `${EXPIRY}:alice`;
const PASSWORD = 'Cd/49soE35ICqcJF/bCTn8Z4OyE=';
const KEY = 'd9a6a3d964467baeffd2fce41704a913';
const REALM = 'example.org';

class WallClock implements Clock {
  wall = (EXPIRY - 60) * 1000;
  now(): number {
    return 0;
  }
  wallTime(): number {
    return this.wall;
  }
}

function rest(secrets: readonly string[], clock: Clock = new WallClock(), separator = ':', limit = 100): RestSecrets {
  return new RestSecrets({ separator, allocationsPerRestUser: limit }, secrets, clock);
}

function candidates(found: unknown): readonly Credential[] {
  return Array.isArray(found) ? found : [];
}

/** A static user with the given password: another way to the same keys. */
function userWith(name: string, password: string): Credential | undefined {
  const users = new StaticUsers({ realm: REALM, allocationsPerUser: 0 }, [{ name, password }]);
  return candidates(users.find(name, REALM))[0];
}

test('REST-01, REST-05: the password is the base64 text of the HMAC, then ordinary long-term keys', async (t) => {
  const [found, ...others] = candidates(rest(['north']).find(NAME, REALM));
  t.equal(others.length, 0);
  t.equal(found?.md5Key.toString('hex'), KEY);
  t.same(found?.md5Key, userWith(NAME, PASSWORD)?.md5Key);
  t.same(found?.sha256Key, userWith(NAME, PASSWORD)?.sha256Key);
  t.equal(found?.username, NAME);
});

test('REST-01: a name may be a timestamp alone', async (t) => {
  const [found] = candidates(rest(['north']).find(`${EXPIRY}`, REALM));
  t.equal(found?.username, `${EXPIRY}`);
  t.equal(found?.quotaKey, null);
});

test('REST-02: a credential works until its timestamp and not at it', async (t) => {
  const clock = new WallClock();
  const source = rest(['north'], clock);
  clock.wall = EXPIRY * 1000 - 1;
  t.equal(candidates(source.find(NAME, REALM)).length, 1);
  clock.wall = EXPIRY * 1000;
  t.equal(source.find(NAME, REALM), 'expired', 'although its keys are cached');
});

test('REST-03: a credential that was found keeps its keys when it expires', async (t) => {
  const clock = new WallClock();
  const source = rest(['north'], clock);
  const [found] = candidates(source.find(NAME, REALM));
  clock.wall += 3_600_000;
  source.find(NAME, REALM);
  source.setSecrets([]);
  t.equal(found?.md5Key.toString('hex'), KEY);
});

test('REST-04, S22: each secret gives a candidate, and a removed one none', async (t) => {
  const source = rest(['south', 'north', 'south']);
  const keys = () => candidates(source.find(NAME, REALM)).map((credential) => credential.md5Key.toString('hex'));
  t.equal(keys().length, 2);
  t.equal(keys()[1], KEY);
  source.setSecrets(['south']);
  t.equal(keys().length, 1);
  t.not(keys()[0], KEY);
  source.setSecrets([]);
  t.equal(source.find(NAME, REALM), 'unknown-user');
  t.equal(source.isEmpty, true);
});

test('REST-06: the user id may come first', async (t) => {
  const [found] = candidates(rest(['north']).find(`alice:${EXPIRY}`, REALM));
  t.equal(found?.quotaKey, 'rest/alice');
});

test('REST-06: the separator is configurable, and the usual one then is not one', async (t) => {
  const source = rest(['north'], new WallClock(), '|');
  t.equal(candidates(source.find(`${EXPIRY}|alice`, REALM))[0]?.quotaKey, 'rest/alice');
  t.equal(candidates(source.find(`alice|${EXPIRY}`, REALM))[0]?.quotaKey, 'rest/alice');
  t.equal(source.find(NAME, REALM), 'unknown-user');
});

test('REST-06: a user id may hold the separator, and may be a number', async (t) => {
  const source = rest(['north']);
  t.equal(candidates(source.find(`${EXPIRY}:a:b`, REALM))[0]?.quotaKey, 'rest/a:b');
  t.equal(candidates(source.find(`a:b:${EXPIRY}`, REALM))[0]?.quotaKey, 'rest/a:b');
  t.equal(candidates(source.find(`${EXPIRY}:1800000000`, REALM))[0]?.quotaKey, 'rest/1800000000');
  t.equal(candidates(source.find(`123456789012345678:${EXPIRY}`, REALM))[0]?.quotaKey, 'rest/123456789012345678');
});

test('REST-07, S21: what is no plain decimal timestamp is unknown', async (t) => {
  const source = rest(['north']);
  const names = ['abc:u', '99999999999999999999:u', '9007199254740993:u', '1700000000000:u', '9'.repeat(400), ''];
  const signs = ['-1:u', '+1800000000:u', '0x7fffffff:u', '1e99:u', '1e9', '1800000000.5:u', '1_800_000_000:u'];
  const spaces = [' 1800000000:u', '1800000000 :u', '\t1800000000', '1800000000\0', '1800000000\n:u', ':', ':u', 'u:'];
  const digits = ['\uff11\uff18\uff10\uff10\uff10\uff10\uff10\uff10\uff10\uff10:u', '\u0661:u', 'NaN:u', 'Infinity:u'];
  for (const name of [...names, ...signs, ...spaces, ...digits]) {
    t.equal(source.find(name, REALM), 'unknown-user', JSON.stringify(name.slice(0, 30)));
  }
  t.equal(candidates(source.find('999999999999:u', REALM)).length, 1, 'twelve digits are the longest');
  t.equal(source.find('0:u', REALM), 'expired');
});

test('S23: names that are ambiguous or too long are unknown', async (t) => {
  const source = rest(['north']);
  const room = 763 - `${EXPIRY}:`.length;
  t.equal(source.find(`${EXPIRY}:a\ufffd`, REALM), 'unknown-user');
  t.equal(source.find(`${EXPIRY}:a\ud800`, REALM), 'unknown-user');
  t.equal(candidates(source.find(`${EXPIRY}:${'a'.repeat(room)}`, REALM)).length, 1);
  t.equal(source.find(`${EXPIRY}:${'a'.repeat(room + 1)}`, REALM), 'unknown-user');
});

test('REST-09: SHA-256 keys can be derived, but nobody can be told from a USERHASH', async (t) => {
  const source = rest(['north']);
  t.equal(candidates(source.find(NAME, REALM))[0]?.sha256Key?.length, 32);
  t.equal(source.derivesSha256, true);
  t.equal(source.resolvesUserhashes, false);
  t.equal(source.usernameOf(), null);
});

test('REST-10: the quota is counted on the user id, whatever the timestamp and the order', async (t) => {
  const source = rest(['north'], new WallClock(), ':', 5);
  const names = [NAME, `${EXPIRY + 1}:alice`, `alice:${EXPIRY + 2}`];
  const found = names.map((name) => candidates(source.find(name, REALM))[0]);
  t.same(new Set(found.map((credential) => credential?.quotaKey)), new Set(['rest/alice']));
  t.same(new Set(found.map((credential) => credential?.quotaLimit)), new Set([5]));
});

test('a name without a user id is not counted per user', async (t) => {
  for (const name of [`${EXPIRY}`, `${EXPIRY}:`, `:${EXPIRY}`]) {
    t.match(candidates(rest(['north']).find(name, REALM))[0], { quotaKey: null, quotaLimit: 0 });
  }
});

test('no static user shares a quota with a user id', async (t) => {
  const names = ['alice', 'rest/alice', 'static/alice'];
  const options = { realm: REALM, allocationsPerUser: 1 };
  const users = new StaticUsers(
    options,
    names.map((name) => ({ name, password: 'pass' })),
  );
  const staticKeys = names.map((name) => candidates(users.find(name, REALM))[0]?.quotaKey);
  const restKeys = names.map((name) => candidates(rest(['north']).find(`${EXPIRY}:${name}`, REALM))[0]?.quotaKey);
  t.equal(new Set([...staticKeys, ...restKeys]).size, 6);
});

test('keys are derived once for a name, a realm and a set of secrets', async (t) => {
  const source = rest(['north']);
  const first = source.find(NAME, REALM);
  t.equal(source.find(NAME, REALM), first);
  t.not(candidates(source.find(NAME, 'example.com'))[0]?.md5Key.toString('hex'), KEY);
  source.setSecrets(['north']);
  t.not(source.find(NAME, REALM), first);
});

test('a revoked name is refused as if it had expired, although its keys are cached', async (t) => {
  const revoked = new Set<string>();
  const isRevoked = (name: string): boolean => revoked.has(name);
  const source = new RestSecrets(
    { separator: ':', allocationsPerRestUser: 100, isRevoked },
    ['north'],
    new WallClock(),
  );
  t.equal(candidates(source.find(NAME, REALM)).length, 1);
  revoked.add(NAME);
  t.equal(source.find(NAME, REALM), 'expired');
  t.equal(candidates(source.find(`${EXPIRY}:bob`, REALM)).length, 1);
});
