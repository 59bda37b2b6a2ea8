// Metrics of the server as a program: processes, relay ports, certificates and the store.

import { LAG_BOUNDS, LATENCY_BOUNDS } from '../turn/histogram.ts';
import type { CounterTree } from '../workers/counter-tree.ts';
import { type HistogramSample, histogramAt, type Metric, numberAt, type Sample, sumAt } from './metric.ts';
import type { MetricsSnapshot, RelayPorts, StoreMetrics } from './snapshot.ts';
import { single } from './traffic-metrics.ts';

const PROCESSES = ['main', 'workers'];
const FAMILIES = ['ipv4', 'ipv6'];
const FAULTS = ['driver', 'unreachable', 'timeout', 'denied', 'schema', 'failed'];

/** Processes, ports, certificates and the store. */
export const SERVER_METRICS: readonly Metric[] = [
  {
    // Without the version: it is nobody's who has not shown who he is (S64).
    name: 'turnd_info',
    type: 'gauge',
    help: 'Always 1; its label says how datagrams are moved.',
    labels: { plane: ['linux', 'portable'] },
    read: ({ plane }) => [{ labels: { plane }, value: 1 }],
  },
  gauge('turnd_start_time_seconds', 'When the server started: Unix time.', ({ startedAt }) => startedAt / 1000),
  gauge('turnd_ready', 'Whether /readyz says that the server is ready.', ({ isReady }) => Number(isReady)),
  {
    name: 'turnd_worker_up',
    type: 'gauge',
    help: 'Whether a worker serves and told its counters for this scrape: what one that did not has counted last still counts.',
    labels: { worker: ['1', '2', '…'] },
    read: ({ workers }) =>
      workers.map(({ worker, hasAnswered }) => ({ labels: { worker: String(worker) }, value: Number(hasAnswered) })),
  },
  {
    name: 'turnd_workers_lost_total',
    type: 'counter',
    help: 'Workers that died or hung and were replaced.',
    labels: {},
    read: ({ workersLost }) => [{ labels: {}, value: workersLost }],
  },
  {
    name: 'turnd_loop_lag_seconds',
    type: 'histogram',
    help: 'How late the event loop came round to a timer of 100 ms (main beside workers: 500 ms).',
    labels: { process: PROCESSES },
    read: (snapshot) => byProcess(snapshot, lagOf),
  },
  {
    name: 'turnd_cpu_seconds_total',
    type: 'counter',
    help: 'Processor time, in user mode and in the kernel.',
    labels: { process: PROCESSES },
    read: (snapshot) => byProcess(snapshot, (tree, labels) => sample(labels, numberAt(tree, 'process', 'cpuSeconds'))),
  },
  {
    name: 'turnd_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory. What processes share counts in each.',
    labels: { process: PROCESSES },
    read: (snapshot) => byProcess(snapshot, (tree, labels) => sample(labels, numberAt(tree, 'now', 'residentBytes'))),
  },
  ports('turnd_relay_ports', 'Relay ports of the configured range, over all relay addresses.', ({ total }) => total),
  ports('turnd_relay_ports_free', 'Relay ports that no allocation or reservation holds.', ({ free }) => free),
  single('turnd_relay_ports_exhausted_total', 'Requests for a relay port that found none.', [
    'plane',
    'portsExhausted',
  ]),
  single('turnd_relay_bind_errors_total', 'Relay ports that could not be bound: another program has them, mostly.', [
    ...['plane', 'bindErrors'],
  ]),
  {
    name: 'turnd_tls_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    help: 'When a certificate ends: Unix time. Numbered as in tls.certificates.',
    labels: { certificate: ['1', '2', '…'] },
    read: ({ certificates }) =>
      certificates.map((end, index) => sample({ certificate: String(index + 1) }, end / 1000)),
  },
  {
    name: 'turnd_store_up',
    type: 'gauge',
    help: 'Whether the store answers.',
    labels: {},
    read: ({ store }) => ofStore(store, ({ isAnswering }) => [sample({}, Number(isAnswering))]),
  },
  {
    name: 'turnd_store_call_duration_seconds',
    type: 'histogram',
    help: 'How long the store took for one call, failed ones included.',
    labels: {},
    read: ({ store }) => ofStore(store, ({ counters }) => [histogramAt(counters, ['calls'], LATENCY_BOUNDS)]),
  },
  {
    name: 'turnd_store_errors_total',
    type: 'counter',
    help: 'Calls of the store that failed, by kind.',
    labels: { fault: FAULTS },
    read: ({ store }) =>
      ofStore(store, ({ counters }) => FAULTS.map((fault) => sample({ fault }, sumAt(counters, 'faults', fault)))),
  },
];

function gauge(name: string, help: string, value: (snapshot: MetricsSnapshot) => number): Metric {
  return { name, type: 'gauge', help, labels: {}, read: (snapshot) => [sample({}, value(snapshot))] };
}

function ports(name: string, help: string, value: (ports: RelayPorts) => number): Metric {
  const read = ({ relayPorts }: MetricsSnapshot): readonly Sample[] =>
    relayPorts.map((found) => sample({ family: found.family }, value(found)));
  return { name, type: 'gauge', help, labels: { family: FAMILIES }, read };
}

function lagOf(tree: CounterTree, labels: Labels): HistogramSample {
  return histogramAt(tree, ['loop', 'lag'], LAG_BOUNDS, labels);
}

type Labels = Sample['labels'];

// Where there are no workers, main is whoever serves.
function byProcess<T>({ counters, main }: MetricsSnapshot, read: (tree: CounterTree, labels: Labels) => T): T[] {
  if (main === null) return [read(counters, { process: 'main' })];
  return [read(main, { process: 'main' }), read(counters, { process: 'workers' })];
}

function ofStore<T>(store: StoreMetrics | null, read: (store: StoreMetrics) => readonly T[]): readonly T[] {
  return store === null ? [] : read(store);
}

function sample(labels: Labels, value: number): Sample {
  return { labels, value };
}
