// Webhooks under a virtual clock: in order, again and again, bounded, and never twice as something else.

import { createHmac } from 'node:crypto';
import { test } from 'tap';
import { EventHub } from '../../src/events/event-hub.ts';
import type { PostRequest } from '../../src/events/http-post.ts';
import { MAX_REFUSALS, PATIENCE_MS, POST_MS, WAITING_EVENTS } from '../../src/events/webhook.ts';
import { type WebhookNews, Webhooks } from '../../src/events/webhooks.ts';
import { session } from '../support/events.ts';
import { VirtualTimers } from '../workers/virtual-timers.ts';

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const URL_TEXT = 'https://app.example.com/hook?token=CANARY';

interface Sent extends PostRequest {
  readonly at: number;
  readonly url: string;
  answer(status: number): Promise<void>;
  fail(code: string): Promise<void>;
}

function open() {
  const timers = new VirtualTimers();
  const wallTime = (): number => 1_767_225_600_000 + timers.now();
  const hub = new EventHub({ timers, wallTime });
  const sent: Sent[] = [];
  const news: WebhookNews[] = [];
  let closed = 0;
  const webhooks = new Webhooks({
    ...{ hub, timers, wallTime },
    makePoster: (url) => ({
      post: (request) =>
        new Promise((resolve, reject) => {
          request.signal.addEventListener('abort', () => reject(new Error('aborted')));
          const settled = async (settle: () => void): Promise<void> => {
            settle();
            await turn();
          };
          sent.push({
            ...{ ...request, at: timers.now(), url: url.href },
            answer: (status) => settled(() => resolve(status)),
            fail: (code) => settled(() => reject(Object.assign(new Error(code), { code }))),
          });
        }),
      close: () => void closed++,
    }),
    report: (one) => void news.push(one),
  });
  webhooks.configure([{ url: URL_TEXT, key: KEY, events: ['allocated'] }]);
  let id = 0;
  const publish = (count: number): void => {
    for (let at = 0; at < count; at++) hub.publish({ ...session(++id), type: 'allocated', lifetime: 600 });
  };
  const last = (): Sent => sent.at(-1) as Sent;
  return { timers, hub, sent, news, webhooks, publish, last, closed: () => closed };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const sessionsOf = ({ body }: Sent): number[] =>
  JSON.parse(body).data.events.map((event: { session: number }) => event.session);

test('events leave in batches, signed as Standard Webhooks says', async (t) => {
  const { timers, sent, publish, last, webhooks } = open();
  publish(3);
  t.equal(sent.length, 0);
  timers.advance(100);
  t.equal(sent.length, 1);
  const { headers, body, url } = last();
  t.equal(url, URL_TEXT);
  t.match(JSON.parse(body), { type: 'turnd.events', timestamp: '2026-01-01T00:00:01.100Z' });
  t.same(sessionsOf(last()), [1, 2, 3]);
  const id = headers['webhook-id'] ?? '';
  t.match(id, /^msg_[0-9a-f]{32}$/);
  t.equal(headers['webhook-timestamp'], '1767225601');
  const mac = createHmac('sha256', KEY).update(`${id}.1767225601.${body}`).digest('base64');
  t.equal(headers['webhook-signature'], `v1,${mac}`);
  t.equal(headers['content-type'], 'application/json');
  publish(1);
  timers.advance(5000);
  t.equal(sent.length, 1, 'one request at a time');
  await last().answer(204);
  timers.advance(100);
  t.same(sessionsOf(last()), [4]);
  t.not(last().headers['webhook-id'], id);
  await last().answer(200);
  t.match(webhooks.counters, { delivered: 4, failed: 0, dropped: 0, postsTaken: 2, postsFailed: 0 });
  timers.advance(60_000);
  t.equal(sent.length, 2);
});

test('a receiver that is away gets the same message again, ever more rarely, and then the others in order', async (t) => {
  const { timers, sent, news, publish, last, webhooks } = open();
  publish(2);
  timers.advance(100);
  const first = last();
  const pauses: number[] = [];
  for (let at = 0; at < 9; at++) {
    const before = sent.length;
    await last().fail('ECONNREFUSED');
    const since = timers.now();
    publish(1);
    while (sent.length === before) timers.advance(50);
    pauses.push(last().at - since);
  }
  for (const [at, pause] of pauses.entries()) {
    const whole = Math.min(60_000, 1000 * 2 ** at);
    t.ok(pause >= whole / 2 && pause <= whole + 50, `pause ${at}: ${pause}`);
  }
  t.equal(last().body, first.body);
  t.equal(last().headers['webhook-id'], first.headers['webhook-id']);
  t.not(last().headers['webhook-timestamp'], first.headers['webhook-timestamp']);
  t.not(last().headers['webhook-signature'], first.headers['webhook-signature'], 'signed for its own time');
  t.same(
    news,
    [{ origin: 'https://app.example.com', problem: 'ECONNREFUSED', lost: 0 }],
    'told once, without the path',
  );
  await last().answer(200);
  timers.advance(100);
  t.same(sessionsOf(last()), [3, 4, 5, 6, 7, 8, 9, 10, 11]);
  t.match(news[1], { problem: null, lost: 0 });
  t.equal(webhooks.waiting, 9);
  await last().answer(200);
  publish(1);
  timers.advance(100);
  await last().fail('ECONNRESET');
  const [at, count] = [timers.now(), sent.length];
  while (sent.length === count) timers.advance(50);
  t.ok(last().at - at <= 1050, 'after a success the pauses begin anew');
});

test('a receiver that does not answer in time is not waited for', async (t) => {
  const { timers, sent, news, publish } = open();
  publish(1);
  timers.advance(100);
  timers.advance(POST_MS - 1);
  t.equal(sent[0]?.signal.aborted, false);
  timers.advance(1);
  await turn();
  t.equal(sent[0]?.signal.aborted, true);
  t.match(news, [{ problem: 'no answer in time' }]);
});

test('what waits is bounded: the oldest goes, is counted, and costs no line', async (t) => {
  const { timers, news, publish, last, webhooks } = open();
  publish(1);
  timers.advance(100);
  await last().fail('ECONNREFUSED');
  publish(WAITING_EVENTS + 50);
  t.equal(webhooks.counters.dropped, 50);
  t.equal(webhooks.waiting, WAITING_EVENTS + 1);
  t.equal(news.length, 1);
  timers.advance(1000);
  await last().answer(200);
  t.match(news[1], { problem: null, lost: 50 });
  timers.advance(0);
  t.equal(sessionsOf(last())[0], 52, 'the oldest that is left');
  t.equal(sessionsOf(last()).length, 100);
});

test('a refusal, a redirect among them, is no success, and is given up after some time', async (t) => {
  const { timers, sent, publish, last, webhooks, news } = open();
  publish(1);
  timers.advance(100);
  publish(1);
  for (const status of [301, 400, 404, 413]) {
    await last().answer(status);
    timers.advance(10_000);
  }
  t.equal(sent.length, MAX_REFUSALS);
  t.same(sessionsOf(last()), [1]);
  await last().answer(302);
  t.equal(webhooks.counters.failed, 1);
  timers.advance(60_000);
  t.same(sessionsOf(last()), [2], 'the next one is tried');
  t.same(
    news.map(({ problem }) => problem),
    ['it answers 301'],
  );
});

test('an overloaded receiver is given an hour', async (t) => {
  const { timers, sent, publish, last, webhooks } = open();
  publish(1);
  timers.advance(100);
  const begun = timers.now();
  const statuses = [500, 503, 429, 408];
  while (webhooks.counters.failed === 0) {
    const count = sent.length;
    await last().answer(statuses[count % statuses.length] ?? 500);
    if (webhooks.counters.failed > 0) break;
    while (sent.length === count) timers.advance(500);
  }
  t.ok(timers.now() - begun >= PATIENCE_MS);
  t.ok(timers.now() - begun < PATIENCE_MS + 70_000);
  t.equal(webhooks.waiting, 0);
});

test('a reload keeps what waits for those that stay, whatever changes of them', async (t) => {
  const { timers, hub, sent, publish, last, webhooks, closed } = open();
  publish(1);
  timers.advance(100);
  await last().fail('ECONNREFUSED');
  const key = Buffer.from('another key of thirty-two bytes!');
  webhooks.configure([{ url: URL_TEXT, key, events: ['released'] }]);
  publish(1);
  timers.advance(1000);
  t.same(sessionsOf(last()), [1]);
  const { headers, body } = last();
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  t.equal(headers['webhook-signature'], `v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  await last().answer(200);
  timers.advance(1000);
  t.equal(sent.length, 2, 'beginnings are no longer wanted');
  t.ok(hub.wanted.includes('released'));
  webhooks.configure([]);
  await turn();
  t.equal(closed(), 1);
  timers.advance(120_000);
  t.same(hub.wanted, []);
  t.equal(timers.size, 0);
});

test('at the end what is left is sent once more, for two seconds at most, and counted if it is not taken', async (t) => {
  const good = open();
  good.publish(150);
  const ending = good.webhooks.close();
  t.equal(good.sent.length, 1, 'at once');
  await good.last().answer(200);
  t.same(sessionsOf(good.last()).at(-1), 150);
  await good.last().answer(200);
  await ending;
  t.match(good.webhooks.counters, { delivered: 150, dropped: 0 });
  t.equal(good.closed(), 1);

  const away = open();
  away.publish(2);
  away.timers.advance(100);
  await away.last().fail('ECONNREFUSED');
  const trying = away.webhooks.close();
  await away.last().fail('ECONNREFUSED');
  await trying;
  t.match(away.webhooks.counters, { delivered: 0, dropped: 2 });

  const silent = open();
  silent.publish(2);
  silent.timers.advance(100);
  const waiting = silent.webhooks.close();
  silent.timers.advance(2000);
  await waiting;
  t.match(silent.webhooks.counters, { delivered: 0, dropped: 2 });
  for (const { timers, sent, publish } of [good, away, silent]) {
    const before = sent.length;
    publish(1);
    timers.advance(120_000);
    t.equal(sent.length, before, 'nothing is sent any more');
    t.equal(timers.size, 0);
  }
});
