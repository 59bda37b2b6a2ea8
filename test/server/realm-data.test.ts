import { test } from 'tap';
import { NO_REALMS } from '../../src/auth/realm-table.ts';
import { readRealms } from '../../src/server/realm-data.ts';
import type { StoredPeerRule, StoreSnapshot } from '../../src/store/store.ts';

function snapshot(peerRules: readonly StoredPeerRule[], more: Partial<StoreSnapshot> = {}): StoreSnapshot {
  return { secrets: [], peerRules, realms: [], origins: [], ...more };
}

test('no rules, no peers', async (t) => {
  t.same(readRealms(snapshot([])), { data: NO_REALMS, problems: [] });
});

test('as with coturn, what is allowed in the realm or in all is not denied', async (t) => {
  const { data } = readRealms(
    snapshot([
      { realm: '', kind: 'deny', range: '198.51.100.0-198.51.100.255' },
      { realm: 'a', kind: 'allow', range: '198.51.100.128-198.51.100.255' },
      { realm: 'b', kind: 'deny', range: '203.0.113.7' },
    ]),
  );
  t.same(data.peers, [
    { realm: '', allow: [], deny: ['198.51.100.0/24'] },
    { realm: 'a', allow: ['198.51.100.128/25'], deny: ['198.51.100.0/25'] },
    { realm: 'b', allow: [], deny: ['198.51.100.0/24', '203.0.113.7/32'] },
  ]);
});

test('a rule that cannot be read is named, and the others hold', async (t) => {
  const { data, problems } = readRealms(
    snapshot([
      { realm: 'a\nb', kind: 'deny', range: 'nonsense' },
      { realm: '', kind: 'deny', range: '203.0.113.7' },
    ]),
  );
  t.equal(problems.length, 1);
  t.match(problems[0], /deny peers nonsense of realm "a\\nb" has no effect/);
  t.same(data.peers, [{ realm: '', allow: [], deny: ['203.0.113.7/32'] }]);
});

test('every realm that is named anywhere is served', async (t) => {
  const options = { maxBps: null, totalQuota: 5, userQuota: null };
  const { data } = readRealms(
    snapshot([{ realm: 'p', kind: 'deny', range: '203.0.113.7' }], {
      secrets: [{ realm: 's', value: 'x', expiresAt: null }],
      realms: [
        { realm: 'o', ...options },
        { realm: '', ...options },
      ],
      origins: [{ origin: 'https://a', realm: 'g' }],
    }),
  );
  t.same([...data.realms].sort(), ['g', 'o', 'p', 's']);
});

test('max-bps of a realm is a rate of its own, 0 too; without it there is none', async (t) => {
  const options = { totalQuota: null, userQuota: 7 };
  const realms = [
    { realm: 'a', maxBps: 250_000, ...options },
    { realm: 'b', maxBps: 0, ...options },
    { realm: 'c', maxBps: null, ...options },
  ];
  t.same(readRealms(snapshot([], { realms })).data.rates, [
    { realm: 'a', bytesPerSecond: 250_000 },
    { realm: 'b', bytesPerSecond: 0 },
  ]);
});

test('S31 an allowed range that stays closed is named', async (t) => {
  const { data, problems } = readRealms(
    snapshot([
      { realm: 'a', kind: 'allow', range: '127.0.0.1-127.0.0.9' },
      { realm: 'a', kind: 'allow', range: '0.0.0.0/0' },
      { realm: 'a', kind: 'deny', range: '127.0.0.1' },
    ]),
  );
  t.same(problems, [
    'the rule to allow peers 127.0.0.1-127.0.0.9 of realm "a" has no effect: 127.0.0.0/8 (loopback) stays closed, whatever ' +
      'is allowed',
  ]);
  t.same(data.peers.find(({ realm }) => realm === 'a')?.deny, []);
});
