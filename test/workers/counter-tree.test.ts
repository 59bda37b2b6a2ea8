import { test } from 'tap';
import { PlaneCounters } from '../../src/planes/plane-counters.ts';
import { EngineCounters } from '../../src/turn/counters.ts';
import { addCounters, CounterTotals, readCounters } from '../../src/workers/counter-tree.ts';

test('counters are read as they are: numbers, maps and arrays', async (t) => {
  const engine = new EngineCounters();
  engine.packetsToPeer = 3;
  engine.drop(1);
  const plane = new PlaneCounters();
  plane.peers.sendErrors.set('EPERM', 2);
  const tree = readCounters({ engine, plane, streams: null, tls: undefined });
  t.match(tree, { engine: { packetsToPeer: 3 }, plane: { peers: { sendErrors: { EPERM: 2 }, packetsIn: 0 } } });
  t.equal((tree['engine'] as { dropped: number[] }).dropped[1], 1);
  t.same(JSON.parse(JSON.stringify(tree)), tree, 'it is plain');
  t.notOk('streams' in tree);
});

test('trees are added name by name', async (t) => {
  t.same(addCounters({ a: 1, l: [1, 2], t: { x: 1 } }, { a: 2, b: 5, l: [10, 20, 30], t: { x: 1, y: 2 } }), {
    a: 3,
    b: 5,
    l: [11, 22, 30],
    t: { x: 2, y: 2 },
  });
});

test('totals never go backwards when a worker dies and its successor begins at 0', async (t) => {
  const totals = new CounterTotals();
  totals.report(1, { n: 5 });
  totals.report(1, { n: 7 });
  totals.report(2, { n: 1 });
  t.same(totals.total(), { n: 8 });
  totals.end(1);
  totals.end(1);
  t.same(totals.total(), { n: 8 });
  totals.report(1, { n: 2 });
  t.same(totals.total(), { n: 10 });
  totals.end(3);
  t.same(totals.total(), { n: 10 });
});

test('what is so only now ends with the worker that told it', async (t) => {
  const totals = new CounterTotals();
  totals.report(1, { n: 5, now: { allocations: 3 } });
  totals.report(2, { n: 1, now: { allocations: 1 } });
  t.same(totals.total(), { n: 6, now: { allocations: 4 } });
  totals.end(1);
  t.same(totals.total(), { n: 6, now: { allocations: 1 } });
});
