// Metrics and health of a running turnd as Prometheus, its promtool and a probe see them: traffic of live calls, series
// that hostile names do not multiply, scrapes by the hundred, and workers that hang.

import { createSocket } from 'node:dgram';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { t as root, type Test, test } from 'tap';
import { samplesOf } from '../metrics/snapshot.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { planeUnderTest } from '../support/plane-under-test.ts';
import { prometheus, promtool, runPromtool, startPrometheus, until } from '../support/prometheus.ts';
import { RawClient } from '../support/raw-client.ts';
import { startLabTurnd, type TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';
import { workersOf } from '../support/worker-processes.ts';

root.setTimeout(120_000);

const RULES = fileURLToPath(new URL('../../../conf/prometheus-alerts.yml', import.meta.url));
const ECHO = 'echo';

const directory = temporaryDirectory(root);
const socketPath = `${directory}/turnd.sock`;
const flags = ['--listen', 'tcp://127.0.0.1:0'];
const server: TurndProcess = await startLabTurnd(root, flags, {
  env: { TURND_METRICS__LISTEN: 'http://127.0.0.1:0', TURND_CONTROL__SOCKET: socketPath },
});
const { port } = (await server.logged('the address of metrics', ({ event }) => event === 'metrics')) as {
  port?: number;
};
const target = `127.0.0.1:${port}`;

async function get(path: string): Promise<Response> {
  return fetch(`http://${target}${path}`);
}

async function scrape(): Promise<ReadonlyMap<string, number>> {
  return samplesOf(await (await get('/metrics')).text());
}

/** A sample that is as wanted within the second for which a scrape is kept. */
function sampleUntil(name: string, isWanted: (value: number) => boolean): Promise<number> {
  return until(async () => (await scrape()).get(name), isWanted, name);
}

/** A client with a channel to a peer that sends everything back. */
async function call(transport: 'udp' | 'tcp') {
  const client = await RawClient.open({ transport, port: await server.port(transport) });
  const peer = await DatagramPeer.open('127.0.0.1');
  peer.socket.on('message', (bytes, from) => peer.socket.send(bytes, from.port, from.address));
  const relayed = await client.allocated();
  await client.bind(0x4000, '127.0.0.1', peer.port);
  const close = (): void => {
    client.close();
    peer.close();
  };
  const echo = async (): Promise<string> => {
    client.sendChannel(0x4000, ECHO);
    return (await client.nextData()).toString();
  };
  return { relayed, echo, close };
}

test('traffic is seen in Prometheus while calls are live', { skip: prometheus.skip }, async (t) => {
  const found = await startPrometheus(t, target, RULES);
  const calls = [await call('udp'), await call('tcp')];
  t.teardown(() => {
    for (const { close } of calls) close();
  });
  for (const { echo } of calls) for (let n = 0; n < 10; n++) t.equal(await echo(), ECHO);
  for (const transport of ['udp', 'tcp']) {
    for (const direction of ['to_peer', 'to_client']) {
      const labels = `{transport="${transport}",direction="${direction}"}`;
      t.equal(await found.until(`turnd_relayed_packets_total${labels}`, (value) => value >= 10), 10);
      t.equal(await found.until(`turnd_relayed_bytes_total${labels}`, (value) => value >= 40), 10 * ECHO.length);
    }
    t.equal(await found.until(`turnd_allocations{transport="${transport}"}`, (value) => value > 0), 1);
  }
  t.equal(await found.until('turnd_allocation_setup_duration_seconds_count', (value) => value >= 2), 2);
  t.same(await found.query('ALERTS{alertstate="firing",alertname="TurndDown"}'), []);
  t.equal((await found.query('up{job="turnd"}'))[0]?.value, 1);
});

test('promtool has nothing to say against the metrics, nor against the rules', { skip: promtool.skip }, async (t) => {
  t.same(runPromtool(['check', 'metrics'], await (await get('/metrics')).text()), { code: 0, said: '' });
  t.match(runPromtool(['check', 'rules', RULES]), { code: 0, said: /SUCCESS/ });
});

test('S58 hostile names, refused peers and drops make no series', async (t) => {
  const before = [...(await scrape()).keys()];
  for (let n = 0; n < 50; n++) {
    const user = `"} evil{x="${n}\n`;
    // Over TCP, where no budget of answers ends it.
    const stranger = await RawClient.open({
      transport: 'tcp',
      port: await server.port('tcp'),
      user,
      password: 'wrong',
    });
    t.teardown(() => stranger.close());
    await stranger.challenge();
    stranger.send(stranger.signed(0x0003, []));
    stranger.send(Buffer.from([0x40, n, 0, 1, 0, 0, 0, 0]));
  }
  await sampleUntil('turnd_auth_failures_total{reason="unknown-user"}', (value) => value >= 50);
  await sampleUntil('turnd_dropped_total{reason="no-allocation"}', (value) => value >= 50);
  t.same([...(await scrape()).keys()], before);
});

test('R30 what came from peers was relayed or dropped, and each is counted', async (t) => {
  const { relayed, echo, close } = await call('udp');
  const stranger = await DatagramPeer.open('127.0.0.2');
  t.teardown(() => {
    close();
    stranger.close();
  });
  const [IN, TO, NO] = [
    'turnd_udp_packets_total{side="peers",direction="in"}',
    'turnd_relayed_packets_total{transport="udp",direction="to_client"}',
    'turnd_dropped_total{reason="no-permission-from-peer"}',
  ];
  const before = await scrape();
  const grown = (after: ReadonlyMap<string, number>, name: string): number =>
    (after.get(name) ?? 0) - (before.get(name) ?? 0);
  for (let n = 0; n < 7; n++) await stranger.send(Buffer.from('x'), relayed.port, relayed.ip);
  for (let n = 0; n < 5; n++) await echo();
  const after = await until(scrape, (samples) => grown(samples, IN) >= 12, 'datagrams of peers');
  t.equal(grown(after, TO), 5);
  t.equal(grown(after, NO), 7);
  t.equal(grown(after, IN), 12);
});

test('S58 scrapes by the hundred cost a call nothing', async (t) => {
  const { echo, close } = await call('udp');
  t.teardown(close);
  let scraped = 0;
  const scrapes = Array.from({ length: 10 }, async () => {
    for (let n = 0; n < 30; n++) {
      const samples = await scrape();
      if (samples.has('turnd_ready')) scraped++;
    }
  });
  let echoes = 0;
  // Each waits for its answer, which a lost datagram would leave out.
  for (; echoes < 100; echoes++) await echo();
  await Promise.all(scrapes);
  t.equal(echoes, 100);
  t.equal(scraped, 300);
});

test('R31 the control socket and the listener tell of health', async (t) => {
  t.equal((await get('/livez')).status, 200);
  t.match(await (await get('/readyz')).json(), { ready: true, checks: [{ name: 'phase', ok: true }] });
  const status = await new Promise((resolve) => {
    request({ socketPath, path: '/readyz' }, (response) => resolve(response.resume().statusCode)).end();
  });
  t.equal(status, 200);
});

// The portable plane has no workers, and the kernel does not tell it of drops.
if (planeUnderTest === 'linux') {
  test('R30, R31 workers that hang are seen, and what the kernel dropped meanwhile', workersThatHang);
}

async function workersThatHang(t: Test): Promise<void> {
  const pids = [...workersOf(server).values()];
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of pids) process.kill(pid, name);
  };
  signal('SIGSTOP');
  try {
    const flood = createSocket('udp4');
    const to = await server.port('udp');
    const datagram = Buffer.alloc(1200);
    const sent = Array.from({ length: 8000 }, () => new Promise((done) => flood.send(datagram, to, '127.0.0.1', done)));
    await Promise.all(sent);
    flood.close();
    await sampleUntil('turnd_worker_up{worker="1"}', (value) => value === 0);
    const notReady = await until(
      () => get('/readyz'),
      ({ status }) => status === 503,
      '/readyz',
    );
    const { checks } = (await notReady.json()) as { checks: { name: string; ok: boolean }[] };
    t.match(checks.find(({ ok }) => !ok)?.name, /workers|self-test/);
  } finally {
    signal('SIGCONT');
  }
  t.ok(await sampleUntil('turnd_kernel_dropped_packets_total{side="clients"}', (value) => value > 0));
  t.equal(await sampleUntil('turnd_worker_up{worker="1"}', (value) => value === 1), 1);
  await until(
    () => get('/readyz'),
    ({ status }) => status === 200,
    '/readyz',
  );
}
