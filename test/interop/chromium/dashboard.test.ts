// What an operator sees of a call while it goes on: Prometheus scrapes turnd, Chromium calls through it, and every query
// of the dashboard in conf/ is asked as Grafana asks it.

import { fileURLToPath } from 'node:url';
import { type Test, test } from 'tap';
import { beginCall, endCall } from '../../support/browser-call.ts';
import { openCheckPage } from '../../support/check-page.ts';
import { chromiumProgram, launchChromium } from '../../support/chromium.ts';
import { type Panel, readPanels } from '../../support/dashboard.ts';
import { planeUnderTest } from '../../support/plane-under-test.ts';
import { type Found, type Prometheus, prometheus, startPrometheus, until } from '../../support/prometheus.ts';
import { startTurnd } from '../../support/turnd.ts';
import { temporaryDirectory } from '../../support/turnd-process.ts';

const RULES = fileURLToPath(new URL('../../../../conf/prometheus-alerts.yml', import.meta.url));
/** Grafana's: four scrapes at least. Longer, for a machine that has much to do. */
const RATE_INTERVAL = '10s';

/** What a call shows, by the panel: the series that move. A series without labels is `{}`. */
const LIVE: Readonly<Record<string, readonly object[]>> = {
  Ready: [{}],
  'Live allocations': [{}],
  'Free relay ports': [{}],
  'Certificate ends in': [{}],
  'Relayed data': ways('udp', 'tls'),
  'Relayed packets': ways('udp', 'tls'),
  'Allocations by transport': [{ transport: 'udp' }, { transport: 'tls' }],
  Requests: [{ method: 'allocate' }, { method: 'create-permission' }],
  'Time to set up an allocation': [{}],
  'Processors in use': [{ process: 'main' }],
  'Resident memory': [{ process: 'main' }],
  'Connections and handshakes': [{}, { result: 'done' }],
};

function ways(...transports: readonly string[]): readonly object[] {
  return transports.flatMap((transport) => ['to_peer', 'to_client'].map((direction) => ({ transport, direction })));
}

const skip = chromiumProgram.skip || prometheus.skip;

test('the dashboard shows a call of Chromium while it goes on', { skip, timeout: 170_000 }, async (t) => {
  const env = { TURND_METRICS__LISTEN: 'http://127.0.0.1:0', TURND_STORE: `sqlite:${temporaryDirectory(t)}/turnd.db` };
  const server = await startTurnd({ env });
  t.teardown(() => server.close());
  const target = `127.0.0.1:${metricsPort(server.lines)}`;
  const asked = await startPrometheus(t, target, RULES);
  await asked.until('turnd_ready', (value) => value === 1);
  // As the variable $instance is filled.
  t.equal(await instanceOf(asked), target);
  const panels = readPanels({ instance: '.*', rateInterval: RATE_INTERVAL });
  t.same(
    Object.keys(LIVE).filter((title) => !panels.some((panel) => panel.title === title)),
    [],
  );
  const allocations = 'sum(turnd_allocations)';
  t.equal(await asked.until(allocations, () => true), 0, 'before the call');

  const browser = await launchChromium({ trustedKeys: [server.publicKeyHash] });
  t.teardown(() => browser.close());
  const page = await openCheckPage(browser);
  t.teardown(() => page.close());
  const { udp: caller, tls: callee } = server.iceServers;
  await beginCall(page.page, { caller, callee });
  for (const [title, missing] of await watch(asked, panels)) t.same(missing, [], `${title}: all that moves is seen`);
  await t.test('every query has an answer', (t) => areAnswered(t, asked, panels));
  await t.test('so it has where one server is chosen', (t) =>
    areAnswered(t, asked, readPanels({ instance: target, rateInterval: RATE_INTERVAL })),
  );

  await endCall(page.page);
  t.equal(await asked.until(allocations, (value) => value === 0), 0, 'after the call');
});

/** Looks at the live panels until each series of {@link LIVE} has been seen to move. @returns what was not, by panel */
async function watch(asked: Prometheus, panels: readonly Panel[]): Promise<ReadonlyMap<string, object[]>> {
  const missing = new Map(Object.entries(LIVE).map(([title, series]) => [title, [...series]]));
  const look = async (): Promise<number> => {
    for (const { title, queries } of panels) {
      const left = missing.get(title) ?? [];
      if (left.length === 0) continue;
      const found = (await Promise.all(queries.map((query) => asked.query(query)))).flat();
      missing.set(
        title,
        left.filter((labels) => !moves(found, labels)),
      );
    }
    return [...missing.values()].flat().length;
  };
  // What has not come by then is told by the caller.
  await until(look, (left) => left === 0, 'a dashboard on which all moves').catch(() => undefined);
  return missing;
}

function moves(found: Found, labels: object): boolean {
  return found.some(({ metric, value }) => {
    const { instance: _, job: __, __name__: ___, version: ____, ...own } = metric;
    return value > 0 && JSON.stringify(sorted(own)) === JSON.stringify(sorted(labels));
  });
}

function sorted(labels: object): readonly [string, unknown][] {
  return Object.entries(labels).sort(([left], [right]) => (left < right ? -1 : 1));
}

/** Prometheus understands every query, and has series for each that does not hide those that rest. */
async function areAnswered(t: Test, asked: Prometheus, panels: readonly Panel[]): Promise<void> {
  t.ok(panels.length > 15);
  for (const { title, queries } of panels) {
    for (const query of queries) {
      // Without series where all rest, or where there are no workers.
      const mayBeEmpty = query.endsWith('> 0') || (planeUnderTest === 'portable' && query.includes('turnd_worker_up'));
      const found = await until(
        () => asked.query(query),
        (series) => mayBeEmpty || series.length > 0,
        `${title}: ${query}`,
      );
      t.ok(found, title);
    }
  }
}

async function instanceOf(asked: Prometheus): Promise<string | undefined> {
  const [found] = await asked.query('count by (instance) (turnd_info)');
  return found?.metric['instance'];
}

function metricsPort(lines: readonly string[]): number {
  for (const line of lines) {
    const { event, port } = JSON.parse(line) as { readonly event?: string; readonly port?: number };
    if (event === 'metrics' && port !== undefined) return port;
  }
  throw new Error('turnd does not say where its metrics are');
}
