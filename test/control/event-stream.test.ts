// The stream of events as bytes: what a reader gets, how it is kept alive, and how it ends.

import { test } from 'tap';
import { HEARTBEAT_MS, makeEventStream, UNREAD_MS } from '../../src/control/event-stream.ts';
import { SseParser } from '../../src/control/sse-parser.ts';
import { EventHub } from '../../src/events/event-hub.ts';
import { EventReader, WAITING_EVENTS } from '../../src/events/event-reader.ts';
import { authFailed, session } from '../support/events.ts';
import { VirtualTimers } from '../workers/virtual-timers.ts';

const ALL = { types: null, realm: null, user: null };

function open(lastId: string | null = null) {
  const timers = new VirtualTimers();
  const hub = new EventHub({ timers, wallTime: () => 1_767_225_600_000 });
  const reader = new EventReader(hub, ALL, lastId, () => {});
  const rights = { may: true };
  const stream = makeEventStream({ reader, timers, stillMay: () => rights.may });
  const source = stream.getReader();
  const next = async (): Promise<string | null> => {
    const { done, value } = await source.read();
    return done ? null : Buffer.from(value).toString();
  };
  return { timers, hub, reader, rights, source, next };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('it begins with where the reader is, and has an id, a name and JSON for each event', async (t) => {
  const { hub, next } = open();
  t.match(await next(), /^retry: 3000\nid: [0-9a-z]+-0\n\n$/);
  hub.publish({ ...session(7), type: 'allocated', lifetime: 600 });
  hub.publish(authFailed('a\nevent: forged\r\n\r\ndata: {}\u2028'));
  const text = (await next()) ?? '';
  const [first, second] = text.split('\n\n');
  t.match(first, /^id: [0-9a-z]+-1\nevent: allocated\ndata: \{"id":"[0-9a-z]+-1".*"session":7.*\}$/);
  t.equal(second?.split('\n').length, 3, 'S56 no name can begin a field');
  t.match(JSON.parse(second?.split('\n')[2]?.slice(6) ?? ''), { user: 'a\nevent: forged\r\n\r\ndata: {}\u2028' });
});

test('silence is broken by a comment', async (t) => {
  const { timers, next } = open();
  await next();
  const waiting = next();
  await settled();
  timers.advance(HEARTBEAT_MS);
  t.equal(await waiting, ': \n\n');
});

test('who does not read costs no more than what may wait, and is told what was lost', async (t) => {
  const { hub, next } = open();
  for (let id = 1; id <= WAITING_EVENTS * 3; id++) hub.publish({ ...session(id), type: 'allocated', lifetime: 600 });
  await next();
  const parser = new SseParser();
  const events = parser.push((await next()) ?? '');
  t.match(events[0], { name: 'lost', data: `{"type":"lost","count":${WAITING_EVENTS * 2}}` });
  t.match(JSON.parse(events[1]?.data ?? ''), { session: WAITING_EVENTS * 2 + 1 });
  const more = parser.push((await next()) ?? '');
  t.notOk(more.some(({ name }) => name === 'lost'));
});

test('whoever comes back with an id that nobody knows is told first', async (t) => {
  const { next } = open('x-5');
  t.match(await next(), /id: x-5\n/);
  t.match(await next(), /^event: lost\ndata: \{"type":"lost","count":null\}\n\n$/);
});

test('a token that is gone ends it within a second, whether somebody waits or not', async (t) => {
  for (const isWaiting of [true, false]) {
    const { timers, reader, rights, next } = open();
    await next();
    const waiting = isWaiting ? next() : null;
    await settled();
    timers.advance(5000);
    t.equal(reader.hasEnded, false);
    rights.may = false;
    timers.advance(1000);
    t.equal(await (waiting ?? next()), null);
    t.equal(reader.hasEnded, true);
  }
});

test('the end of the reader, by whomever, is the end of the stream, and nothing is left', async (t) => {
  const ended = open();
  await ended.next();
  const waiting = ended.next();
  await settled();
  ended.reader.close();
  t.equal(await waiting, null);

  const gone = open();
  await gone.next();
  void gone.next();
  await settled();
  await gone.source.cancel();
  t.equal(gone.reader.hasEnded, true);

  const late = open();
  late.reader.close();
  t.equal(await late.next(), null);
  for (const { timers, hub } of [ended, gone, late]) {
    timers.advance(60_000);
    t.equal(timers.size, 0);
    t.same(hub.wanted, []);
  }
});

test('a connection that nobody reads from does not keep its place for good', async (t) => {
  const { timers, reader, next } = open();
  await next();
  timers.advance(UNREAD_MS - 1000);
  t.equal(reader.hasEnded, false);
  timers.advance(1000);
  t.equal(reader.hasEnded, true);
  const waiting = open();
  await waiting.next();
  for (let at = 0; at < 10; at++) {
    const beat = waiting.next();
    await settled();
    waiting.timers.advance(HEARTBEAT_MS);
    t.equal(await beat, ': \n\n');
  }
});

test('the parser of turnctl reads what comes in any pieces, and no line without end', async (t) => {
  const text =
    'retry: 3000\nid: a-0\n\n: \n\nid: a-1\nevent: denied\ndata: {"a":\ndata: 1}\n\ndata:x\r\n\r\nevent: none\n\n';
  const expected = [
    { name: 'denied', data: '{"a":\n1}' },
    { name: 'message', data: 'x' },
  ];
  t.same(new SseParser().push(text), expected);
  const parser = new SseParser();
  t.same(
    [...text].flatMap((one) => parser.push(one)),
    expected,
  );
  t.throws(() => new SseParser().push(`data: ${'x'.repeat(1_100_000)}`), RangeError);
});
