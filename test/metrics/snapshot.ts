// A snapshot for tests: of a server that has done nothing, or of what a test lays over it.

import type { MetricsSnapshot } from '../../src/metrics/snapshot.ts';

/** A server of two workers with a store and a certificate. */
export function snapshotOf(more: Partial<MetricsSnapshot> = {}): MetricsSnapshot {
  return {
    plane: 'linux',
    startedAt: 1_700_000_000_500,
    isReady: true,
    counters: {},
    main: {},
    workers: [
      { worker: 1, hasAnswered: true },
      { worker: 2, hasAnswered: false },
    ],
    workersLost: 0,
    relayPorts: [{ family: 'ipv4', free: 9, total: 10 }],
    certificates: [1_800_000_000_000],
    store: { isAnswering: true, counters: {} },
    events: {
      readers: 0,
      lost: 0,
      webhooks: { delivered: 0, failed: 0, dropped: 0, postsTaken: 0, postsFailed: 0, waiting: 0 },
    },
    ...more,
  };
}

/** The value of each sample of a text, by its name with labels. */
export function samplesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.replace(/^.* /, ''))]));
}
