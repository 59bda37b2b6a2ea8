// The line for each allocation's life and for each failed authentication.

import { pino } from 'pino';
import { test } from 'tap';
import { SessionLog } from '../../src/log/session-log.ts';

/** A session log with a clock in the test's hand. */
function open() {
  const lines: Record<string, unknown>[] = [];
  const clock = { now: 5_000 };
  const logger = pino({ base: null, timestamp: false }, { write: (line) => void lines.push(JSON.parse(line)) });
  return { lines, clock, log: new SessionLog({ logger, now: () => clock.now }) };
}

const FAILURE = { address: '192.0.2.1', user: 'alice', reason: 'wrong-password' } as const;

test('the end of an allocation is one line with all that an operator asks for', async (t) => {
  const { lines, log } = open();
  const record = {
    session: 7,
    user: 'alice',
    realm: 'example.org',
    client: '192.0.2.1:1234',
    transport: 'udp',
    relayed: ['198.51.100.1:50000', '[2001:db8::1]:50000'],
    bytesFromClient: 10,
    bytesToClient: 20,
    packetsFromClient: 1,
    packetsToClient: 2,
    overRateFromClient: 3,
    overRateToClient: 4,
    duration: 3,
    reason: 'expired',
  };
  log.allocationEnded(record);
  t.same(lines, [{ level: 30, event: 'allocation-ended', ...record, msg: 'allocation ended' }]);
});

test('data lost to a rate: one line a second, with the key that was exceeded', async (t) => {
  const { lines, clock, log } = open();
  const record = { session: 7, user: 'a', client: '192.0.2.1:1234', dropped: 12, limit: 'limits.bandwidth-per-user' };
  log.overRate(record);
  log.overRate(record);
  const msg = 'data of a session is dropped, for it exceeds limits.bandwidth-per-user';
  t.same(lines, [{ level: 40, event: 'over-rate', ...record, msg }]);
  clock.now += 1000;
  log.flush();
  t.match(lines.slice(1), [{ level: 40, event: 'over-rate-suppressed', suppressed: 1 }]);
});

test('a failed authentication is one line with client, reason and user', async (t) => {
  const { lines, log } = open();
  log.authenticationFailed(FAILURE);
  t.same(Object.entries(lines[0] ?? {}), [
    ['level', 40],
    ['event', 'auth-failed'],
    ['client', '192.0.2.1'],
    ['reason', 'wrong-password'],
    ['user', 'alice'],
    ['msg', 'authentication failed'],
  ]);
});

test('S54 of failures at most ten lines a second are logged, the last of them with the number of the rest', async (t) => {
  const { lines, clock, log } = open();
  for (let i = 0; i < 25; i++) log.authenticationFailed(FAILURE);
  t.equal(lines.length, 9);
  clock.now += 999;
  log.flush();
  t.equal(lines.length, 9, 'the second is not over');
  clock.now += 1;
  log.authenticationFailed(FAILURE);
  t.match(lines[9], { event: 'auth-failed-suppressed', suppressed: 16, msg: '16 failed authentications not logged' });
  t.match(lines[10], { event: 'auth-failed' });
  t.equal(lines.length, 11);
});

test('flush says what was suppressed once, without a further failure', async (t) => {
  const { lines, clock, log } = open();
  for (let i = 0; i < 10; i++) log.authenticationFailed(FAILURE);
  clock.now += 1000;
  log.flush();
  log.flush();
  t.match(lines.slice(9), [{ event: 'auth-failed-suppressed', suppressed: 1 }]);
  t.equal(lines.length, 10);
});

test('S54 a name that nobody has proved to have is cut, in whole characters', async (t) => {
  const { lines, log } = open();
  for (const user of ['a'.repeat(128), 'a'.repeat(129), `${'a'.repeat(127)}\u{1f600}`]) {
    log.authenticationFailed({ ...FAILURE, user });
  }
  t.same(
    lines.map(({ user }) => user),
    ['a'.repeat(128), `${'a'.repeat(128)}…`, `${'a'.repeat(127)}…`],
  );
});

test('S20 a source whose logins are braked is one line, with a budget that failures do not use up', async (t) => {
  const { lines, clock, log } = open();
  for (let i = 0; i < 25; i++) log.authenticationFailed(FAILURE);
  for (let i = 0; i < 9; i++) log.authenticationBraked({ address: '192.0.2.1', user: 'alice' });
  t.same(lines.slice(9), [
    {
      level: 40,
      event: 'auth-braked',
      client: '192.0.2.1',
      user: 'alice',
      msg: 'too many failed logins: further ones get no answer',
    },
    { ...lines[10] },
  ]);
  clock.now += 1000;
  log.authenticationBraked({ address: '192.0.2.1', user: 'alice' });
  t.match(lines.at(-1), { event: 'auth-braked' });
});

const DENIAL = {
  ...{ session: 3, user: 'alice', client: '192.0.2.1:1234', transport: 'udp' },
  ...{ peer: '10.0.0.1', port: 0, rule: 'private' },
};

test('a denied peer is one line with the rule, once a second, and the rest is counted', async (t) => {
  const { lines, clock, log } = open();
  for (let i = 0; i < 500; i++) log.peerDenied(DENIAL);
  t.same(lines, [{ level: 30, event: 'peer-denied', ...DENIAL, msg: 'peer denied' }]);
  clock.now += 1000;
  log.flush();
  log.flush();
  t.match(lines.slice(1), [{ level: 30, event: 'peer-denied-suppressed', suppressed: 499 }]);
  log.peerDenied({ ...DENIAL, rule: 'loopback' });
  t.match(lines[2], { event: 'peer-denied', rule: 'loopback' });
});

test('S39 a scan is a warning of its own, whatever else was denied in that second', async (t) => {
  const { lines, clock, log } = open();
  for (let i = 0; i < 5; i++) log.peerDenied(DENIAL);
  for (let i = 0; i < 5; i++) log.scanLimited({ ...DENIAL, rule: 'new peers too fast' });
  for (let i = 0; i < 11; i++) log.authenticationFailed(FAILURE);
  t.match(lines[1], { level: 40, event: 'scan-limited', session: 3, user: 'alice', client: '192.0.2.1:1234' });
  t.equal(lines.length, 11);
  clock.now += 1000;
  log.flush();
  t.same(
    lines.slice(11).map(({ event, suppressed }) => [event, suppressed]),
    [
      ['auth-failed-suppressed', 2],
      ['peer-denied-suppressed', 4],
      ['scan-limited-suppressed', 4],
    ],
  );
});
