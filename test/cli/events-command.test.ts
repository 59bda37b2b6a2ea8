// `turnctl events`.

import { test } from 'tap';
import { describeEvent } from '../../src/cli/events-command.ts';
import { REPORTS, session } from '../support/events.ts';
import { FAKE_NOW, type FakeControl } from '../support/fake-control.ts';
import { withDaemon, withoutDaemon } from '../support/turnctl-run.ts';

const told = (report: (typeof REPORTS)[number]) => ({ id: 'a-1', time: FAKE_NOW, ...report });

async function oneReads(control: FakeControl): Promise<void> {
  while (control.readers.length === 0) await new Promise((resolve) => setImmediate(resolve));
}

/** Ends the stream as a server that stops. */
async function endAll(control: FakeControl): Promise<void> {
  while (control.readers.some((reader) => reader.hasNews)) await new Promise((resolve) => setImmediate(resolve));
  for (const reader of [...control.readers]) reader.close();
}

test('events: a line for each, for people', async (t) => {
  t.same(
    REPORTS.map((report) => describeEvent(told(report))),
    [
      '2026-01-01T00:00:00.000Z  allocated    session 1001  alice@example.org  192.0.2.1:4000 (udp)  relayed 203.0.113.1:50000  for 10m',
      '2026-01-01T00:00:00.000Z  refreshed    session 1001  alice@example.org  192.0.2.1:4000 (udp)  relayed 203.0.113.1:50000  for 10m',
      '2026-01-01T00:00:00.000Z  permission   session 1001  alice@example.org  192.0.2.1:4000 (udp)  peer 198.51.100.7',
      '2026-01-01T00:00:00.000Z  channel      session 1001  alice@example.org  192.0.2.1:4000 (udp)  peer 198.51.100.7:9000  channel 0x4000',
      '2026-01-01T00:00:00.000Z  traffic      session 1001  alice@example.org  192.0.2.1:4000 (udp)  sent 100 B  received 200 B',
      '2026-01-01T00:00:00.000Z  released     session 1001  alice@example.org  192.0.2.1:4000 (udp)  sent 100 B  received 200 B  after 1m  deleted',
      '2026-01-01T00:00:00.000Z  denied       session 1001  alice@example.org  192.0.2.1:4000 (udp)  peer 10.0.0.1  private',
      '2026-01-01T00:00:00.000Z  auth-failed  alice@example.org  192.0.2.9:4000 (udp)  wrong-password',
      '2026-01-01T00:00:00.000Z  -- 3 more events auth-failed were not told of',
    ],
  );
  t.equal(describeEvent({ type: 'lost', count: 7 }), '-- 7 events were missed');
  t.equal(describeEvent({ type: 'lost', count: null }), '-- some events were missed');
  const forged = told({
    type: 'auth-failed',
    realm: '',
    user: 'a\n\u001b[31m',
    client: 'x',
    transport: 'udp',
    reason: 'y',
  });
  t.notOk(
    ['\n', '\u001b'].some((one) => describeEvent(forged).includes(one)),
    'S56 no name steers a terminal',
  );
});

test('events: followed until turnd ends the stream, with filters', async (t) => {
  const { run, control } = await withDaemon(t);
  t.teardown(() => control.hub.close());
  const running = run('events --type allocated,released --type denied --user bob --realm example.org');
  await oneReads(control);
  t.same(control.hub.wanted, ['allocated', 'released', 'denied']);
  control.hub.publish({ ...session(1), type: 'allocated', lifetime: 600 });
  control.hub.publish({ ...session(2), user: 'bob', type: 'allocated', lifetime: 600 });
  await endAll(control);
  const { status, out, err } = await running;
  t.match(out, /^2026-01-01T00:00:00\.000Z {2}allocated {4}session 2 {2}bob@example\.org [^\n]*\n$/);
  t.match(err, /^turnctl: turnd has ended the stream of events/);
  t.equal(status, 4);
});

test('events --json: a document in each line', async (t) => {
  const { run, control } = await withDaemon(t);
  t.teardown(() => control.hub.close());
  const running = run('events --json');
  await oneReads(control);
  for (const report of REPORTS) control.hub.publish(report);
  await endAll(control);
  const lines = (await running).out.trimEnd().split('\n');
  t.match(
    lines.map((line) => JSON.parse(line)),
    REPORTS.map((report) => ({ id: String, time: FAKE_NOW, ...report })),
  );
});

test('events: whoever reads the output no more ends it', async (t) => {
  const { run, control } = await withDaemon(t);
  t.teardown(() => control.hub.close());
  const closed = new AbortController();
  const running = run('events', { outputClosed: closed.signal });
  await oneReads(control);
  closed.abort();
  t.match(await running, { status: 0, err: '' });
  while (control.readers.length > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('events: what cannot be done is said', async (t) => {
  const { run, control } = await withDaemon(t);
  t.match(await run('events --type other'), { status: 2, err: /--type: expected allocated, refreshed/ });
  t.match(await run('events --realm '), { status: 2 });
  control.maxReaders = 0;
  t.match(await run('events'), { status: 1, err: 'turnctl: too many read events already\n' });
  t.match(await withoutDaemon(t).run('events'), { status: 4 });
});
