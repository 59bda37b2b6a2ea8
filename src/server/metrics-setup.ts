// Metrics and health of a running server: what they are read from, and the listeners of their own (metrics.listen).

import { openHttpListener } from '../control/http-listener.ts';
import { type MetricsAppOptions, makeMetricsServer } from '../control/metrics-app.ts';
import type { MetricsSnapshot } from '../metrics/snapshot.ts';
import { openUdpSocket, probeMappedAddress } from '../net/stun-probe.ts';
import { systemClock } from '../state/system-clock.ts';
import { parseIp } from '../stun/ip-address.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import { readCounters } from '../workers/counter-tree.ts';
import type { Closers } from './closers.ts';
import type { Foundation } from './foundation.ts';
import type { RunningServer } from './running-server.ts';
import { probeTarget, RunningHealth } from './server-health.ts';

/** How long a listener of this very host may take for a Binding request. */
const PROBE_MS = 1000;

/** What is known of a server, for metrics and whoever asks for its health. */
export interface ServerMetrics {
  readonly app: MetricsAppOptions;
  readonly health: RunningHealth;
}

/** Puts metrics and health of a server together. */
export function setUpMetrics(foundation: Foundation, server: RunningServer): ServerMetrics {
  const { config, store } = foundation;
  const startedAt = systemClock.wallTime();
  const health = new RunningHealth({
    workerStates: () => server.workerStates(),
    relayPorts: () => server.relayPorts(),
    listening: () => server.listeners.length,
    store: () => store && { isAnswering: store.problem === null, hasBeenRead: store.hasBeenRead },
    selfTest: () => selfTest(foundation, server),
    now: systemClock.now,
  });
  const snapshot = () => readSnapshot({ foundation, server, health, startedAt });
  const { path, coturnNames } = config.metrics;
  return { app: { snapshot, health, path, coturnNames, now: systemClock.now }, health };
}

/** Opens the listeners of `metrics.listen`. @throws ControlError for one that cannot be opened */
export async function openMetrics(foundation: Foundation, { app }: ServerMetrics, closers: Closers): Promise<void> {
  const { config, logger } = foundation;
  const report = (err: unknown): void => logger.error({ err }, 'a request for metrics failed: please report this');
  const served = makeMetricsServer(app, report);
  for (const { host, port: wanted } of config.metrics.listen) {
    const listener = await openHttpListener({
      host,
      port: wanted,
      key: 'metrics.listen',
      app: served,
      secure: null,
      report,
    });
    closers.add(() => listener.close());
    const { port } = listener;
    logger.info({ event: 'metrics', address: host, port }, 'metrics are served');
  }
}

interface SnapshotSources {
  readonly foundation: Foundation;
  readonly server: RunningServer;
  readonly health: RunningHealth;
  readonly startedAt: number;
}

async function readSnapshot({ foundation, server, health, startedAt }: SnapshotSources): Promise<MetricsSnapshot> {
  const { store, tls, events } = foundation;
  const [collected, { ready }] = await Promise.all([server.collect(), health.readiness()]);
  return {
    ...collected,
    plane: server.plane,
    startedAt,
    isReady: ready,
    relayPorts: server.relayPorts(),
    certificates: tls.certificates.map(({ notAfter }) => notAfter),
    store: store && { isAnswering: store.problem === null, counters: readCounters(store.counters) },
    events: events.metrics,
  };
}

// What no Binding request can find out is not asked: nobody answers strangers where credentials are demanded for it.
async function selfTest({ config }: Foundation, { listeners }: RunningServer): Promise<boolean | null> {
  const target = config.auth.requireForBinding ? null : probeTarget(listeners);
  const ip = target && parseIp(target.address);
  if (target === null || ip === null) return null;
  const server = new TransportAddress(ip, target.port);
  const mapped = await probeMappedAddress({ server, local: ip, timeoutMs: PROBE_MS, openSocket: openUdpSocket });
  return mapped !== null;
}
