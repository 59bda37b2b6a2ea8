// Metrics and health as a Hono application of their own: mounted below the control API, and served alone by the listeners
// of metrics.listen. Reads only; whoever serves it decides who may ask.

import { Hono } from 'hono';
import { CachedText } from '../metrics/cached-text.ts';
import { exposition } from '../metrics/catalogue.ts';
import type { MetricsSnapshot } from '../metrics/snapshot.ts';
import { METRICS_TYPE } from '../metrics/text-format.ts';
import { ApiError, problemResponse } from './problem.ts';
import type { ServerHealth } from './server-health.ts';

/** What the application is made with. */
export interface MetricsAppOptions {
  /** Reads the server, within a second or so. */
  readonly snapshot: () => Promise<MetricsSnapshot>;
  readonly health: ServerHealth;
  /** Where metrics are; `/metrics` if absent. */
  readonly path?: string;
  /** Whether coturn's names are exposed too. */
  readonly coturnNames: boolean;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Makes the application: GET of the metrics, of /livez and of /readyz. */
export function makeMetricsApp({ snapshot, health, path, coturnNames, now }: MetricsAppOptions): Hono {
  const app = new Hono();
  const text = new CachedText({ collect: async () => exposition(await snapshot(), coturnNames), now });
  app.get(path ?? '/metrics', async (context) =>
    context.body(await text.read(), 200, { 'content-type': METRICS_TYPE, 'cache-control': 'no-store' }),
  );
  // Whoever gets an answer has asked a process whose loop turns: there is nothing else to ask.
  app.get('/livez', (context) => context.json({ live: true }));
  app.get('/readyz', async (context) => {
    const readiness = await health.readiness();
    return context.json(readiness, readiness.ready ? 200 : 503, { 'cache-control': 'no-store' });
  });
  return app;
}

/** The application of a listener of its own. @param report gets what is a fault of the program */
export function makeMetricsServer(options: MetricsAppOptions, report: (error: unknown) => void): Hono {
  const app = new Hono();
  app.onError((error) => problemResponse(error, report));
  app.notFound(() => problemResponse(new ApiError('not-found', 'there is nothing at this path'), report));
  app.route('/', makeMetricsApp(options));
  // As coturn answers, for probes that exist.
  return app.get('/', (context) => context.text('ok'));
}
