import { test } from 'tap';
import { Coalescing } from '../../../src/planes/linux/coalescing.ts';

const PAUSE = 100;
/** Microseconds of a steady rate: several times what a rate is measured over. */
const SPAN = 20_000;

/** Rounds of so many datagrams at a steady rate (a second), for a span. @returns the pauses */
function pausesAt(coalescing: Coalescing, from: number, rate: number, perRound: number): number[] {
  const step = (perRound * 1_000_000) / rate;
  const pauses: number[] = [];
  for (let now = from + step; now < from + SPAN; now += step) pauses.push(coalescing.afterRound(now, perRound));
  return pauses;
}

test('a quiet worker never pauses', async (t) => {
  const coalescing = new Coalescing(PAUSE);
  for (const [index, rate] of [200, 5_000, 24_000, 39_000].entries()) {
    const pauses = pausesAt(coalescing, index * SPAN, rate, 1);
    t.ok(pauses.length > 0);
    t.ok(
      pauses.every((pause) => pause === 0),
      `${rate} a second`,
    );
  }
  t.equal(coalescing.afterRound(9e6, 0), 0, 'nor one to which nothing comes');
});

test('a busy worker pauses after each round', async (t) => {
  const coalescing = new Coalescing(PAUSE);
  const pauses = pausesAt(coalescing, 0, 60_000, 2);
  t.equal(pauses[0], 0, 'before anything has been measured');
  t.ok(pauses.slice(-50).every((pause) => pause === PAUSE));
  t.equal(coalescing.isBusy, true);
});

test('a round that is full is paid for already', async (t) => {
  const coalescing = new Coalescing(PAUSE);
  pausesAt(coalescing, 0, 200_000, 4);
  const now = SPAN;
  t.equal(coalescing.afterRound(now, 23), PAUSE);
  t.equal(coalescing.afterRound(now + 1, 24), 0);
  t.equal(coalescing.afterRound(now + 2, 64), 0);
});

test('between two rates it stays what it is', async (t) => {
  const coalescing = new Coalescing(PAUSE);
  pausesAt(coalescing, 0, 30_000, 1);
  t.equal(coalescing.isBusy, false, 'it was quiet');
  pausesAt(coalescing, SPAN, 50_000, 1);
  t.equal(coalescing.isBusy, true);
  pausesAt(coalescing, 2 * SPAN, 30_000, 1);
  t.equal(coalescing.isBusy, true, 'it was busy');
  pausesAt(coalescing, 3 * SPAN, 20_000, 1);
  t.equal(coalescing.isBusy, false);
});

test('a pause of 0 means never', async (t) => {
  const coalescing = new Coalescing(0);
  t.ok(pausesAt(coalescing, 0, 500_000, 8).every((pause) => pause === 0));
  t.equal(coalescing.isBusy, false);
});
