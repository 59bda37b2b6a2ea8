// What is exposed: of every counter something, under names that rules, dashboards and documentation know.

import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { exposition, METRIC_GROUPS } from '../../src/metrics/catalogue.ts';
import { COTURN_METRICS } from '../../src/metrics/coturn-metrics.ts';
import { PlaneCounters } from '../../src/planes/plane-counters.ts';
import { StreamCounters } from '../../src/streams/stream-handler.ts';
import { TlsCounters } from '../../src/tls/tls-acceptor.ts';
import { EngineCounters } from '../../src/turn/counters.ts';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { type CounterTree, readCounters } from '../../src/workers/counter-tree.ts';
import { samplesOf, snapshotOf } from './snapshot.ts';

const METRICS = METRIC_GROUPS.flatMap(({ metrics }) => metrics);
const conf = (name: string): string => readFileSync(new URL(`../../../conf/${name}`, import.meta.url), 'utf8');

function counted(): CounterTree {
  const engine = new EngineCounters();
  const plane = new PlaneCounters();
  return readCounters({ engine, plane, streams: new StreamCounters(), tls: new TlsCounters() });
}

/** Every path that ends in a number. */
function* leaves(tree: CounterTree, path: readonly string[] = []): Generator<readonly string[]> {
  for (const [name, value] of Object.entries(tree)) {
    if (typeof value === 'number') yield [...path, name];
    else if (Array.isArray(value)) for (const index of value.keys()) yield [...path, name, String(index)];
    else yield* leaves(value as CounterTree, [...path, name]);
  }
}

function withOne(tree: CounterTree, [name = '', ...rest]: readonly string[]): CounterTree {
  const value = tree[name];
  if (rest.length === 0) return { ...tree, [name]: 1 };
  if (Array.isArray(value)) return { ...tree, [name]: value.map((_, index) => Number(index === Number(rest[0]))) };
  return { ...tree, [name]: withOne(value as CounterTree, rest) };
}

/** Told in other words, or of no use to whoever watches. */
const ELSEWHERE = new Set([
  ...['engine.requests', 'engine.responses', 'engine.packetsToPeer', 'engine.bytesToPeer'],
  ...['engine.packetsToClient', 'engine.bytesToClient', 'plane.runsRefused'],
  ...['streams.tcpConnections', 'streams.tlsConnections', 'streams.socketErrors', 'streams.acceptErrors'],
  'streams.droppedBytes',
]);

test('names are those of the format, with a unit, and each is there once', async (t) => {
  const names = METRICS.map(({ name }) => name);
  t.equal(new Set(names).size, names.length);
  for (const { name, type, help } of METRICS) {
    t.match(name, /^turnd_[a-z0-9_]+$/);
    t.equal(name.endsWith('_total'), type === 'counter', name);
    t.match(help, /^[A-Z].*\.$/, name);
  }
});

test('every number that is counted shows in a metric', async (t) => {
  const idle = exposition(snapshotOf({ counters: counted() }), false);
  for (const path of leaves(counted())) {
    if (ELSEWHERE.has(path.join('.'))) continue;
    t.not(exposition(snapshotOf({ counters: withOne(counted(), path) }), false), idle, path.join('.'));
  }
});

test('drops have the reasons of the engine, each its own', async (t) => {
  const engine = new EngineCounters();
  for (const reason of Object.values(DropReason)) for (let n = 0; n <= reason; n++) engine.drop(reason);
  const samples = samplesOf(exposition(snapshotOf({ counters: readCounters({ engine }) }), false));
  t.equal(samples.get('turnd_dropped_total{reason="not-ours"}'), 1);
  t.equal(samples.get('turnd_dropped_total{reason="no-permission-from-peer"}'), DropReason.NO_PERMISSION_FROM_PEER + 1);
  t.equal(samples.get('turnd_dropped_total{reason="over-rate"}'), DropReason.OVER_RATE + 1);
});

test('S58 the series are the same whatever was counted: every label value is there from the start', async (t) => {
  const busy = new EngineCounters();
  busy.error(3, 486);
  busy.authFailed('wrong-password');
  busy.success(1);
  const names = (counters: CounterTree): string[] =>
    [...samplesOf(exposition(snapshotOf({ counters }), true)).keys()].sort();
  t.same(names(readCounters({ engine: busy })), names({}));
});

test('labels have the values that they are said to have', async (t) => {
  for (const metric of METRICS) {
    for (const { labels } of metric.read(snapshotOf({ counters: counted() }))) {
      t.same(Object.keys(labels).sort(), Object.keys(metric.labels).sort(), metric.name);
      for (const [name, value] of Object.entries(labels))
        t.ok(metric.labels[name]?.includes(value), `${name}=${value}`);
    }
  }
});

test('main and workers are told apart, and one process is main', async (t) => {
  const counters = { process: { cpuSeconds: 3 } };
  const many = samplesOf(exposition(snapshotOf({ counters, main: { process: { cpuSeconds: 2 } } }), false));
  t.equal(many.get('turnd_cpu_seconds_total{process="main"}'), 2);
  t.equal(many.get('turnd_cpu_seconds_total{process="workers"}'), 3);
  t.equal(many.get('turnd_worker_up{worker="2"}'), 0, 'a worker that does not answer is seen');
  const one = samplesOf(exposition(snapshotOf({ counters, main: null, workers: [] }), false));
  t.equal(one.get('turnd_cpu_seconds_total{process="main"}'), 3);
  t.notOk(one.has('turnd_cpu_seconds_total{process="workers"}'));
});

test('every metric of coturn has its name or a successor that exists, or a reason', async (t) => {
  t.equal(COTURN_METRICS.length, 33);
  const names = METRICS.map(({ name }) => name);
  for (const { name, successor, note, metric } of COTURN_METRICS) {
    if (successor !== null) t.ok(names.includes(successor.replace(/\{.*/, '')), `${name}: ${successor}`);
    if (metric === null) t.not(note, '', `${name} says why`);
  }
  const exposed = exposition(snapshotOf(), true);
  for (const { name, metric } of COTURN_METRICS) t.equal(exposed.includes(`\n${name}`), metric !== null, name);
  t.notMatch(exposition(snapshotOf(), false), /^turn_|^stun_/m, 'only where they were asked for');
});

for (const file of ['prometheus-alerts.yml', 'grafana-dashboard.json']) {
  test(`conf/${file} knows only metrics that exist`, async (t) => {
    const names = new Set(METRICS.map(({ name }) => name));
    const used = [...conf(file).matchAll(/\bturnd_\w+/g)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ''));
    t.ok(used.length > 10);
    t.same(
      used.filter((name) => !names.has(name)),
      [],
    );
  });
}

test('the dashboard is JSON', async (t) => {
  t.ok(JSON.parse(conf('grafana-dashboard.json')).panels.length > 10);
});
