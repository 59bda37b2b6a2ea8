import fc from 'fast-check';
import { test } from 'tap';
import { ExpiryWheel, type Timed } from '../../src/turn/expiry-wheel.ts';

class Entry implements Timed {
  wheelSlot = 0;
  readonly name: string;
  deadline: number;
  readonly visits: number[] = [];

  constructor(name: string, deadline: number) {
    this.name = name;
    this.deadline = deadline;
  }
}

/** A wheel whose entries say when they were visited, and are done once their deadline has passed. */
function wheelOf(now: number) {
  return new ExpiryWheel<Entry>(now, (entry, at) => {
    entry.visits.push(at);
    return entry.deadline <= at ? Number.POSITIVE_INFINITY : entry.deadline;
  });
}

test('an entry is visited within two seconds of its time, and never again', async (t) => {
  const wheel = wheelOf(10_500);
  const entry = new Entry('a', 15_300);
  wheel.schedule(entry, entry.deadline);
  for (let now = 11_000; now <= 100_000; now += 1000) wheel.tick(now);
  t.equal(entry.visits.length, 1);
  const [at = 0] = entry.visits;
  t.ok(at >= 15_300 && at < 17_300, `${at}`);
});

test('an entry beyond the ring is filed anew until its time has come', async (t) => {
  const wheel = wheelOf(0);
  const entry = new Entry('far', 3_600_000);
  wheel.schedule(entry, entry.deadline);
  for (let now = 1000; now <= 3_610_000; now += 1000) wheel.tick(now);
  const last = entry.visits.at(-1) ?? 0;
  t.ok(last >= 3_600_000 && last <= 3_602_000, `${last}`);
  const gaps = entry.visits.map((at, index) => at - (entry.visits[index - 1] ?? 0));
  t.ok(Math.max(...gaps) <= 65_000, 'it is seen at least every 64 s');
});

test('a removed entry is not visited', async (t) => {
  const wheel = wheelOf(0);
  const entry = new Entry('a', 2000);
  wheel.schedule(entry, 2000);
  wheel.remove(entry);
  wheel.remove(entry);
  wheel.tick(70_000);
  t.same(entry.visits, []);
});

test('an entry that is scheduled again is visited at the new time only', async (t) => {
  const wheel = wheelOf(0);
  const entry = new Entry('a', 2000);
  wheel.schedule(entry, 2000);
  entry.deadline = 30_000;
  wheel.schedule(entry, 30_000);
  for (let now = 1000; now < 30_000; now += 1000) wheel.tick(now);
  t.same(entry.visits, []);
  wheel.tick(31_000);
  t.same(entry.visits, [31_000]);
});

test('a tick after a long pause visits every due entry once', async (t) => {
  const wheel = wheelOf(0);
  const entries = Array.from({ length: 200 }, (_, index) => new Entry(`${index}`, index * 977));
  for (const entry of entries) wheel.schedule(entry, entry.deadline);
  wheel.tick(10_000_000);
  t.ok(entries.every((entry) => entry.visits.length === 1));
  wheel.tick(10_000_000);
  wheel.tick(20_000_000);
  t.ok(entries.every((entry) => entry.visits.length === 1));
});

test('a time that has passed already is visited at the next tick', async (t) => {
  const wheel = wheelOf(100_000);
  wheel.tick(100_000);
  const entry = new Entry('late', 5);
  wheel.schedule(entry, 5);
  wheel.tick(101_000);
  t.same(entry.visits, [101_000]);
});

test('an entry may remove others while it is visited', async (t) => {
  const b = new Entry('b', 90_000);
  const wheel: ExpiryWheel<Entry> = new ExpiryWheel<Entry>(0, (entry) => {
    entry.visits.push(0);
    wheel.remove(b);
    return Number.POSITIVE_INFINITY;
  });
  const a = new Entry('a', 1000);
  wheel.schedule(a, 1000);
  wheel.schedule(b, 60_000);
  wheel.tick(3000);
  wheel.tick(200_000);
  t.equal(a.visits.length, 1);
  t.same(b.visits, []);
});

test('a clock that stands still or goes back visits nothing early', async (t) => {
  const wheel = wheelOf(50_000);
  const entry = new Entry('a', 52_000);
  wheel.schedule(entry, 52_000);
  wheel.tick(50_000);
  wheel.tick(40_000);
  wheel.tick(50_000);
  t.same(entry.visits, []);
  wheel.tick(53_000);
  t.same(entry.visits, [53_000]);
});

test('whatever the ticks, no entry is early and none is more than two seconds later than its next tick', async (t) => {
  const deadlines = fc.array(fc.nat(300_000), { minLength: 1, maxLength: 20 });
  const steps = fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(deadlines, steps, (times, pauses) => {
      const wheel = wheelOf(0);
      const entries = times.map((time, index) => new Entry(`${index}`, time));
      for (const entry of entries) wheel.schedule(entry, entry.deadline);
      let now = 0;
      for (const pause of pauses) {
        now += pause;
        wheel.tick(now);
        for (const { deadline, visits } of entries) {
          const done = visits.some((at) => at >= deadline);
          if (now >= deadline + 2000 && !done) return false;
          if (visits.filter((at) => at >= deadline).length > 1) return false;
        }
      }
      return true;
    }),
  );
  t.pass();
});
