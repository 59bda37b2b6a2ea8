// What a process reports of its engine: everything that is wanted, nothing else, and never too much.

import { test } from 'tap';
import { type EventReport, eventReport } from '../../src/events/event-schemas.ts';
import { EVENT_TYPES } from '../../src/events/event-types.ts';
import { EventReporter } from '../../src/server/event-reporter.ts';
import { Lab, LabClock } from '../support/lab.ts';
import { REQUEST } from '../support/lab-client.ts';
import { RecordingObserver } from '../support/lab-observer.ts';
import { lifetime } from '../support/wire-attributes.ts';

const PEER = '93.184.216.34:5000';

function open() {
  const clock = new LabClock();
  const observer = new RecordingObserver();
  const reports: EventReport[] = [];
  const reporter: EventReporter = new EventReporter({
    send: (report) => void reports.push(report),
    clock,
    live: () => lab.engine.allocations.list(),
  });
  const lab: Lab = new Lab({ env: { observer: reporter.reporting(observer), clock } });
  const pass = (seconds: number): void => {
    for (let at = 0; at < seconds; at++) {
      clock.monotonic += 1000;
      clock.wall += 1000;
      lab.engine.tick();
      reporter.tick();
    }
  };
  const typesOf = (): string[] => reports.splice(0).map(({ type }) => type);
  return { clock, observer, reports, reporter, lab, pass, typesOf };
}

test('the life of a session is reported in its order, each report in its form', async (t) => {
  const { reports, reporter, lab, pass } = open();
  reporter.want(EVENT_TYPES);
  const client = lab.client();
  const relayed = await client.allocated();
  await client.permit(PEER, '10.0.0.1');
  await client.permit(PEER);
  await client.permit(PEER);
  await client.bind(0x4000, PEER);
  await client.bind(0x4000, PEER);
  client.sendChannel(0x4000, 'hello');
  lab.peer(PEER).send(relayed, 'ok');
  pass(10);
  await client.request(REQUEST.refresh, [lifetime(900)]);
  await client.request(REQUEST.refresh, [lifetime(0)]);
  const facts = { session: 1, realm: 'example.org', user: 'alice', transport: 'udp', relayed: [relayed] };
  const traffic = { packetsFromClient: 1, bytesFromClient: 5, packetsToClient: 1, bytesToClient: 2 };
  t.match(reports, [
    { type: 'allocated', ...facts, client: /^198\.51\.100\.7:\d+$/, lifetime: 600 },
    { type: 'denied', ...facts, peer: '10.0.0.1', reason: String },
    { type: 'permission', ...facts, peer: '93.184.216.34' },
    { type: 'channel', ...facts, peer: PEER, channel: 0x4000 },
    { type: 'traffic', ...facts, ...traffic },
    { type: 'refreshed', ...facts, lifetime: 900 },
    { type: 'released', ...facts, ...traffic, duration: 10, reason: 'deleted' },
  ]);
  t.equal(reports.length, 7, 'a permission or channel that goes on, and traffic that stands still, are no news');
  for (const report of reports) t.strictSame(eventReport.parse(report), report);
});

test('nothing is reported that nobody wants, and whoever watched before still does', async (t) => {
  const { observer, reports, reporter, lab, pass, typesOf } = open();
  const client = lab.client();
  await client.allocated();
  await client.bind(0x4000, PEER);
  client.sendChannel(0x4000, 'hello');
  await lab.client({ user: 'mallory', password: 'x' }).allocate();
  pass(10);
  t.same(reports, []);
  t.ok(observer.events.includes('auth failed mallory unknown-user'));
  t.ok(observer.events.includes('bound 4000'));
  reporter.want(['permission', 'released']);
  await client.permit('93.184.216.35');
  await client.bind(0x4001, '93.184.216.36:1');
  await client.request(REQUEST.refresh, [lifetime(0)]);
  t.same(typesOf(), ['permission', 'permission', 'released']);
  reporter.want([]);
  await lab.client().allocated();
  pass(10);
  t.same(typesOf(), []);
});

test('sessions that lived before anybody listened tell of their traffic and end too, with their relayed addresses', async (t) => {
  const { reports, reporter, lab, pass } = open();
  const client = lab.client();
  const relayed = await client.allocated();
  await client.bind(0x4000, PEER);
  client.sendChannel(0x4000, 'hello');
  const silent = lab.client();
  const silentRelayed = await silent.allocated();
  reporter.want(['traffic', 'released']);
  pass(10);
  t.same(reports, [], 'nothing has been relayed since');
  client.sendChannel(0x4000, 'again');
  pass(5);
  await client.request(REQUEST.refresh, [lifetime(0)]);
  t.match(reports, [
    { type: 'traffic', bytesFromClient: 10 },
    { type: 'released', relayed: [relayed], bytesFromClient: 10 },
  ]);
  reports.length = 0;
  await silent.request(REQUEST.refresh, [lifetime(0)]);
  t.match(reports, [{ type: 'released', relayed: [silentRelayed] }], 'also if its end is all that was ever told of it');
});

test('S54 a flood of wrong passwords makes ten reports a second, and one that says how many more there were', async (t) => {
  const { reports, reporter, lab, pass } = open();
  reporter.want(EVENT_TYPES);
  const clients = Array.from({ length: 200 }, () => lab.client({ user: 'alice', password: 'wrong' }));
  for (const client of clients) await client.allocate();
  t.equal(reports.length, 10);
  t.match(reports[0], { type: 'auth-failed', user: 'alice', realm: 'example.org', reason: 'wrong-password' });
  pass(1);
  t.same(reports.slice(10), [{ type: 'dropped', of: 'auth-failed', count: 190 }]);
  pass(5);
  t.equal(reports.length, 11, 'it is said once');
  for (const client of clients) await client.allocate();
  t.equal(reports.length, 21);
});

test('S54 a client that asks for denied peers again and again is bounded as well', async (t) => {
  const { reports, reporter, lab, pass } = open();
  reporter.want(['denied']);
  const client = lab.client();
  await client.allocated();
  for (let at = 0; at < 50; at++) await client.permit('10.0.0.1');
  pass(1);
  t.equal(reports.length, 11);
  t.match(reports[10], { type: 'dropped', of: 'denied', count: 40 });
});

test('beginnings and ends are never left out; what else users cause is, beyond five hundred a second', async (t) => {
  const { reports, reporter, lab, pass } = open();
  reporter.want(EVENT_TYPES);
  const clients = Array.from({ length: 600 }, () => lab.client());
  for (const client of clients) await client.allocated();
  for (const client of clients) await client.request(REQUEST.refresh, [lifetime(900)]);
  for (const client of clients) await client.request(REQUEST.refresh, [lifetime(0)]);
  pass(1);
  const count = (type: string): number => reports.filter((report) => report.type === type).length;
  t.same([count('allocated'), count('refreshed'), count('released')], [600, 500, 600]);
  t.match(reports.at(-1), { type: 'dropped', of: 'refreshed', count: 100 });
});

test('a name that nobody has proved to have is shortened', async (t) => {
  const { reports, reporter, lab } = open();
  reporter.want(['auth-failed']);
  await lab.client({ user: 'x'.repeat(500), password: 'x' }).allocate();
  t.match(reports, [{ user: `${'x'.repeat(128)}…` }]);
});
