import { test } from 'tap';
import { BudgetMemory } from '../../src/limits/budget-memory.ts';
import { SourceLoginBrake } from '../../src/limits/login-brake.ts';
import { parseIp } from '../../src/stun/ip-address.ts';
import { TransportWords } from '../../src/stun/transport-address.ts';
import type { Clock } from '../../src/turn/env.ts';
import { LoginVerdict } from '../../src/turn/login-brake.ts';

class TestClock implements Clock {
  milliseconds = 1_000_000;
  now(): number {
    return this.milliseconds;
  }
  wallTime(): number {
    return 0;
  }
}

const ATTACKER = '198.51.100.7';
const ELSEWHERE = '203.0.113.1';

function source(text: string): TransportWords {
  const words = new TransportWords();
  const ip = parseIp(text);
  if (ip === null) throw new Error(`no address: ${text}`);
  words.setTo(ip, 40_000);
  return words;
}

function seeded(seed: number): BudgetMemory {
  return BudgetMemory.ofOneProcess({ fill: (target) => target.fill(seed) });
}

/** A brake, and logins that are tried out at it. */
class Bench {
  readonly clock = new TestClock();
  readonly memory = seeded(0x5a);
  readonly brake: SourceLoginBrake;

  constructor(rate = 10) {
    this.brake = new SourceLoginBrake(rate, this.clock, this.memory);
  }

  isFree(address: string, user: string, realm = 'r'): boolean {
    return this.brake.judge(source(address), realm, user) === LoginVerdict.VERIFY;
  }

  /** Tries a wrong password for each user; returns how many were verified. */
  guess(address: string, users: readonly string[]): number {
    let verified = 0;
    for (const user of users) {
      if (!this.isFree(address, user)) continue;
      verified++;
      this.brake.failed(source(address), 'r', user);
    }
    return verified;
  }
}

const times = (count: number, user: string): string[] => Array(count).fill(user);

test('S20 a thousand guesses a second from one source: ten are verified, then ten a second', async (t) => {
  const bench = new Bench();
  let verified = bench.guess(ATTACKER, times(50, 'alice'));
  t.equal(verified, 10);
  for (let elapsed = 0; elapsed < 10_000; elapsed++) {
    verified += bench.guess(ATTACKER, ['alice']);
    bench.clock.milliseconds++;
  }
  t.ok(verified >= 105 && verified <= 110, `${verified} of 10,050 in ten seconds`);
});

test('S20 nobody else notices: the user elsewhere, other users there, the same name in another realm', async (t) => {
  const bench = new Bench();
  bench.guess(ATTACKER, times(1000, 'alice'));
  t.notOk(bench.isFree(ATTACKER, 'alice'));
  t.ok(bench.isFree(ELSEWHERE, 'alice'));
  t.ok(bench.isFree('2001:db8::1', 'alice'));
  t.ok(bench.isFree('198.51.100.8', 'alice'), 'a neighbour');
  t.ok(bench.isFree(ATTACKER, 'bob'));
  t.ok(bench.isFree(ATTACKER, 'alice', 'another'));
});

test('S20 who succeeds uses up nothing, and gives nothing back to who guesses', async (t) => {
  const bench = new Bench();
  for (let round = 0; round < 1000; round++) bench.brake.succeeded(source(ATTACKER), 'r', 'alice');
  t.equal(bench.guess(ATTACKER, times(50, 'alice')), 10);
  bench.brake.succeeded(source(ATTACKER), 'r', 'alice');
  t.notOk(bench.isFree(ATTACKER, 'alice'));
});

test('S20 all addresses of a /24 get as much as eight for one user, those of a /64 as much as one', async (t) => {
  const bench = new Bench();
  let verified = 0;
  for (let host = 0; host < 256; host++) verified += bench.guess(`198.51.100.${host}`, times(20, 'alice'));
  t.equal(verified, 80);
  t.ok(bench.isFree('198.51.101.1', 'alice'));
  let inOne = 0;
  for (let host = 1; host < 100; host++) inOne += bench.guess(`2001:db8:0:1::${host.toString(16)}`, times(20, 'alice'));
  t.equal(inOne, 10);
  t.ok(bench.isFree('2001:db8:0:2::1', 'alice'));
});

test('S20 one source that tries many users gets as much as for eight', async (t) => {
  const bench = new Bench();
  const users = Array.from({ length: 1000 }, (_, index) => `user${index}`);
  t.equal(bench.guess(ATTACKER, users), 80);
  t.notOk(bench.isFree(ATTACKER, 'someone'));
  t.ok(bench.isFree(ELSEWHERE, 'someone'));
});

test('S20 a user who has logged in from there within the hour is not held back by who tries many', async (t) => {
  const bench = new Bench();
  bench.brake.succeeded(source(ATTACKER), 'r', 'carol');
  const users = Array.from({ length: 1000 }, (_, index) => `user${index}`);
  bench.guess(ATTACKER, users);
  t.ok(bench.isFree(ATTACKER, 'carol'));
  t.notOk(bench.isFree(ATTACKER, 'dave'));
  t.equal(bench.guess(ATTACKER, times(50, 'carol')), 10, 'for carol alone the first rule counts');
  bench.clock.milliseconds += 3_602_000;
  bench.guess(ATTACKER, users);
  t.notOk(bench.isFree(ATTACKER, 'carol'), 'an hour is over');
});

test('S20 one refusal a minute and pair is worth a line', async (t) => {
  const bench = new Bench();
  const said = () => {
    const verdicts = times(500, 'alice').map((user) => bench.brake.judge(source(ATTACKER), 'r', user));
    return verdicts.filter((verdict) => verdict === LoginVerdict.REFUSE_AND_SAY).length;
  };
  bench.guess(ATTACKER, times(10, 'alice'));
  t.equal(said(), 1);
  for (let second = 0; second < 59; second++) {
    bench.clock.milliseconds += 1000;
    bench.guess(ATTACKER, times(10, 'alice'));
    t.equal(said(), 0);
  }
  bench.clock.milliseconds += 1000;
  bench.guess(ATTACKER, times(10, 'alice'));
  t.equal(said(), 1);
  bench.guess(ELSEWHERE, times(10, 'alice'));
  t.equal(bench.brake.judge(source(ELSEWHERE), 'r', 'alice'), LoginVerdict.REFUSE_AND_SAY, 'another source is news');
});

test('S20 processes that share memory share the brake, and the line', async (t) => {
  const bench = new Bench();
  const other = new SourceLoginBrake(10, bench.clock, bench.memory);
  bench.guess(ATTACKER, times(10, 'alice'));
  t.equal(other.judge(source(ATTACKER), 'r', 'alice'), LoginVerdict.REFUSE_AND_SAY);
  t.equal(bench.brake.judge(source(ATTACKER), 'r', 'alice'), LoginVerdict.REFUSE);
});

test('a rate of 0 is no brake, another rate holds at once', async (t) => {
  const bench = new Bench(0);
  t.equal(bench.guess(ATTACKER, times(5000, 'alice')), 5000);
  bench.brake.setRate(20);
  t.equal(bench.guess(ATTACKER, times(5000, 'alice')), 20);
  bench.brake.setRate(0);
  t.equal(bench.guess(ATTACKER, times(50, 'alice')), 50);
});

test('names that differ anywhere have budgets of their own, whatever they are', async (t) => {
  const bench = new Bench(1000);
  bench.guess(ATTACKER, times(1000, 'alice'));
  for (const user of ['', 'Alice', 'alic', 'alicee', 'ecila', 'alice\0', '__proto__', '\ud800', 'x'.repeat(763)]) {
    t.ok(bench.isFree(ATTACKER, user), JSON.stringify(user.slice(0, 20)));
  }
  t.ok(bench.isFree(ATTACKER, 'lice', 'ra'), 'realm and name do not run together');
});

test('which pairs share a bucket depends on the seed', async (t) => {
  const sharers = (seed: number): string[] => {
    const brake = new SourceLoginBrake(1000, new TestClock(), seeded(seed));
    for (let failure = 0; failure < 1000; failure++) brake.failed(source(ATTACKER), 'r', 'alice');
    const names = Array.from({ length: 300_000 }, (_, index) => `u${index}`);
    return names.filter((user) => brake.judge(source(ATTACKER), 'r', user) !== LoginVerdict.VERIFY);
  };
  const first = sharers(1);
  t.ok(first.length > 0 && first.length < 30, `${first.length} of 300,000 fall together: 4.6 are to be expected`);
  t.notSame(first, sharers(2));
});
