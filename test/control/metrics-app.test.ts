import { test } from 'tap';
import { type MetricsAppOptions, makeMetricsServer } from '../../src/control/metrics-app.ts';
import type { Readiness } from '../../src/control/server-health.ts';
import { snapshotOf } from '../metrics/snapshot.ts';

function appOf(more: Partial<MetricsAppOptions> = {}, readiness: Readiness = { ready: true, checks: [] }) {
  const reported: unknown[] = [];
  const options = { snapshot: async () => snapshotOf(), health: { readiness: async () => readiness } };
  const app = makeMetricsServer({ ...options, coturnNames: false, now: () => 0, ...more }, (error) =>
    reported.push(error),
  );
  return { get: async (path: string, method = 'GET') => app.request(path, { method }), reported };
}

test('metrics are told in the format of Prometheus, under coturn’s names too where that is set', async (t) => {
  const response = await appOf().get('/metrics');
  t.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  t.match(text, /^turnd_ready 1$/m);
  t.notMatch(text, /^turn_total_allocations/m);
  const other = appOf({ path: '/other', coturnNames: true });
  t.match(await (await other.get('/other')).text(), /^turn_total_allocations\{type="UDP"\} 0$/m);
  t.equal((await other.get('/metrics')).status, 404);
});

test('R31 /livez answers, and /readyz says by its status whether and in its body why not', async (t) => {
  const checks = [{ name: 'listeners', ok: false, detail: 'no listening address is open' }];
  const { get } = appOf({}, { ready: false, checks });
  t.equal((await get('/livez')).status, 200);
  const response = await get('/readyz');
  t.equal(response.status, 503);
  t.same(await response.json(), { ready: false, checks });
  t.equal((await appOf().get('/readyz')).status, 200);
  t.equal(await (await appOf().get('/')).text(), 'ok', 'as coturn answers');
});

test('nothing but GET is served, and a fault is told to the log alone', async (t) => {
  for (const method of ['POST', 'PUT', 'DELETE']) t.equal((await appOf().get('/metrics', method)).status, 404, method);
  const broken = appOf({ snapshot: () => Promise.reject(new Error('CANARY')) });
  const response = await broken.get('/metrics');
  t.equal(response.status, 500);
  t.notMatch(await response.text(), /CANARY/);
  t.match(broken.reported, [{ message: 'CANARY' }]);
});
