import fc from 'fast-check';
import { test } from 'tap';
import { LosslessSearch, Outcome, type SearchOptions } from '../../bench/lossless-search.ts';

const USUAL: SearchOptions = { start: 20_000, factor: 1.5, precision: 1.03 };

function rateOf(search: LosslessSearch): number {
  const { next } = search;
  if (next === null) throw new Error('the search is over');
  return next;
}

/** Runs a search on a server that loses packets above `capacity`; returns the rates tried. */
function run(search: LosslessSearch, capacity: number, failure: Outcome = Outcome.LOSSY): readonly number[] {
  const tried: number[] = [];
  while (search.next !== null) {
    const rate = rateOf(search);
    tried.push(rate);
    search.report(rate <= capacity ? Outcome.LOSSLESS : failure);
  }
  return tried;
}

test('the search ends just below what the server carries', async (t) => {
  const capacities = fc.double({ min: 2000, max: 5_000_000, noNaN: true });
  const factors = fc.constantFrom(1.1, 1.5, 3);
  fc.assert(
    fc.property(capacities, factors, (capacity, factor) => {
      const search = new LosslessSearch({ ...USUAL, factor });
      const tried = run(search, capacity);
      const close = search.best <= capacity && search.best * USUAL.precision >= capacity * 0.999;
      return close && search.limit === Outcome.LOSSY && tried.length < 100;
    }),
  );
  t.pass('over random capacities');
});

test('it starts where it is told and raises the rate by the factor', async (t) => {
  t.strictSame(run(new LosslessSearch(USUAL), 46_000).slice(0, 4), [20_000, 30_000, 45_000, 67_500]);
});

test('one bad moment of the machine does not end the rise', async (t) => {
  const search = new LosslessSearch(USUAL);
  search.report(Outcome.LOSSY);
  t.equal(search.next, 20_000, 'the same rate again');
  search.report(Outcome.LOSSLESS);
  t.equal(search.next, 30_000);
  search.report(Outcome.LOSSY);
  t.equal(search.next, 30_000, 'failures at another rate do not add up');
  search.report(Outcome.LOSSY);
  t.ok(rateOf(search) < 30_000);
});

test('what stopped it is told', async (t) => {
  const search = new LosslessSearch(USUAL);
  run(search, 100_000, Outcome.GENERATOR);
  t.equal(search.limit, Outcome.GENERATOR);
  const endless = new LosslessSearch(USUAL);
  run(endless, Number.POSITIVE_INFINITY);
  t.equal(endless.limit, Outcome.LOSSLESS, 'nothing did');
});

test('a server that carries nothing ends it too', async (t) => {
  const search = new LosslessSearch(USUAL);
  const tried = run(search, 0);
  t.equal(search.best, 0);
  t.ok(tried.length < 20);
});
