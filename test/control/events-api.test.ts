// GET /v1/events over TCP and the Unix socket: who may read, how many, with which filters, and that nobody is waited for.

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { type Test, test } from 'tap';
import { makeControlApp } from '../../src/control/control-app.ts';
import { openControlSocket } from '../../src/control/control-socket.ts';
import { openHttpListener } from '../../src/control/http-listener.ts';
import { NetworkGuard } from '../../src/control/network-guard.ts';
import { SseParser } from '../../src/control/sse-parser.ts';
import { TokenBook } from '../../src/control/token-book.ts';
import type { ServerEvent } from '../../src/events/event-schemas.ts';
import { session } from '../support/events.ts';
import { FAKE_NOW, fakeControl } from '../support/fake-control.ts';
import { temporaryDirectory } from '../support/turnd-process.ts';

interface Reading {
  readonly incoming: IncomingMessage;
  next(): Promise<ServerEvent>;
  readonly ended: Promise<unknown>;
  destroy(): void;
}

async function open(t: Test) {
  const control = fakeControl();
  const directory = temporaryDirectory(t);
  const path = `${directory}/tokens.json`;
  const clock = { now: FAKE_NOW };
  const report = (error: unknown): void => void t.error(error);
  const book = new TokenBook({ path, configured: () => [], now: () => clock.now, report: () => {} });
  const make = async (scope: 'credentials' | 'read' | 'admin') =>
    (await book.addToken({ name: scope, scopes: [scope], expiresAt: null })).token;
  const tokens = { credentials: await make('credentials'), read: await make('read'), admin: await make('admin') };
  const settings = { listen: [], hosts: [], corsOrigins: [], requestsPerSecond: 0 };
  const guard = new NetworkGuard({ tokens: book, settings: () => settings, now: () => 0, onGuessing: () => {} });
  const app = makeControlApp({ control, now: () => FAKE_NOW, report, guard });
  const listener = await openHttpListener({
    ...{ host: '127.0.0.1', port: 0, app, secure: null, key: 'control.listen', report },
  });
  const socket = await openControlSocket({ path: `${directory}/turnd.sock`, control, report });
  t.teardown(async () => {
    for (const reader of [...control.readers]) reader.close();
    await Promise.all([listener.close(), socket.close()]);
    control.hub.close();
    await book.settled();
  });
  const tcp = (target: string, token: string | null, more: object = {}) =>
    read({ host: '127.0.0.1', port: listener.port }, target, token, more);
  const unix = (target: string) => read({ socketPath: `${directory}/turnd.sock` }, target, null, {});
  return { control, book, clock, tokens, listener, socket, tcp, unix };
}

function read(where: object, path: string, token: string | null, more: object): Promise<Reading> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost', ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
    const outgoing = request({ ...where, path, agent: false, headers, ...more }, (incoming) => {
      const parser = new SseParser();
      const events: ServerEvent[] = [];
      incoming.setEncoding('utf8');
      incoming.on('data', (text: string) => {
        for (const { data } of parser.push(text)) events.push(JSON.parse(data) as ServerEvent);
        incoming.emit('news');
      });
      const next = async (): Promise<ServerEvent> => {
        while (events.length === 0) await once(incoming, 'news');
        return events.shift() as ServerEvent;
      };
      const ended = once(incoming, 'end');
      ended.catch(() => {});
      incoming.on('error', () => {});
      resolve({ incoming, next, ended, destroy: () => void outgoing.destroy() });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** Resolves once so many read. */
async function readers(control: ReturnType<typeof fakeControl>, count: number): Promise<void> {
  while (control.readers.length !== count) await new Promise((resolve) => setImmediate(resolve));
}

test('the scope is read, over TCP and by the socket, and the answer is a stream', async (t) => {
  const { control, tokens, tcp, unix } = await open(t);
  t.equal((await tcp('/v1/events', null)).incoming.statusCode, 401);
  t.equal((await tcp('/v1/events', tokens.credentials)).incoming.statusCode, 403);
  t.equal(control.readers.length, 0, 'whoever is refused takes no place');
  const readings = [
    await tcp('/v1/events', tokens.read),
    await tcp('/v1/events', tokens.admin),
    await unix('/v1/events'),
  ];
  for (const { incoming } of readings) {
    t.equal(incoming.statusCode, 200);
    t.match(incoming.headers, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      connection: 'close',
    });
  }
  control.hub.publish({ ...session(1), type: 'allocated', lifetime: 600 });
  for (const reading of readings) t.match(await reading.next(), { type: 'allocated', session: 1 });
});

test('filters are judged, and what is asked for is what comes', async (t) => {
  const { control, unix } = await open(t);
  for (const query of ['type=other', 'type=', 'type=allocated,other', 'types=allocated', 'type=denied&type=denied'])
    t.equal((await unix(`/v1/events?${query}`)).incoming.statusCode, 400, query);
  const one = await unix('/v1/events?type=allocated,released&user=bob&realm=example.org');
  control.hub.publish({ ...session(1), type: 'allocated', lifetime: 600 });
  control.hub.publish({ ...session(2), user: 'bob', type: 'permission', peer: '198.51.100.7' });
  control.hub.publish({ ...session(3), user: 'bob', type: 'allocated', lifetime: 600 });
  t.match(await one.next(), { session: 3 });
});

test('Last-Event-ID goes on where the reader was', async (t) => {
  const { control, tokens, tcp } = await open(t);
  const first = await tcp('/v1/events', tokens.read);
  control.hub.publish({ ...session(1), type: 'allocated', lifetime: 600 });
  const { id } = await first.next();
  first.destroy();
  await readers(control, 0);
  control.hub.publish({ ...session(2), type: 'allocated', lifetime: 600 });
  const headers = { host: 'localhost', authorization: `Bearer ${tokens.read}`, 'last-event-id': id };
  t.match(await (await tcp('/v1/events', null, { headers })).next(), { session: 2 });
});

test('so many may read at once; whoever leaves makes room', async (t) => {
  const { control, unix } = await open(t);
  control.maxReaders = 2;
  const one = await unix('/v1/events');
  await unix('/v1/events');
  const third = await unix('/v1/events');
  t.equal(third.incoming.statusCode, 429);
  t.equal(third.incoming.headers['retry-after'], '10');
  one.destroy();
  await readers(control, 1);
  t.equal((await unix('/v1/events')).incoming.statusCode, 200);
});

test('S58 a reader that does not read costs a bounded part of memory, and hears how much he has lost', async (t) => {
  const { control, tokens, tcp } = await open(t);
  const { incoming } = await tcp('/v1/events', tokens.read);
  incoming.pause();
  await readers(control, 1);
  const published = 100_000;
  // More than both sides of the connection hold.
  for (let id = 1; id <= published; id++) {
    control.hub.publish({ ...session(id), type: 'allocated', lifetime: 600 });
    if (id % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const parser = new SseParser();
  let received = 0;
  let lost = 0;
  let last = 0;
  for await (const text of incoming) {
    for (const { name, data } of parser.push(text as string)) {
      const event = JSON.parse(data);
      if (name === 'lost') lost += event.count;
      else received++;
      last = event.session ?? last;
    }
    if (last === published) break;
  }
  t.ok(lost > published / 4, `${lost} were lost`);
  t.equal(received + lost, published, 'each was read or counted');
});

test('HEAD tells of the stream, and takes no place', async (t) => {
  const { control, tokens, tcp } = await open(t);
  const { incoming } = await tcp('/v1/events', tokens.read, { method: 'HEAD' });
  t.equal(incoming.statusCode, 200);
  t.equal(incoming.headers['content-type'], 'text/event-stream');
  t.equal(control.readers.length, 0);
});

test('a token that is removed ends its streams, and no others', async (t) => {
  const { control, book, clock, tokens, tcp, unix } = await open(t);
  const doomed = await tcp('/v1/events', tokens.read);
  const other = await tcp('/v1/events', tokens.admin);
  const local = await unix('/v1/events');
  await book.removeToken('read');
  clock.now += 1000;
  await doomed.ended;
  await readers(control, 2);
  control.hub.publish({ ...session(1), type: 'allocated', lifetime: 600 });
  t.match(await other.next(), { session: 1 });
  t.match(await local.next(), { session: 1 });
});

test('whoever closes the server waits for no reader, not even for one that never reads', async (t) => {
  const { control, tokens, tcp, listener, socket } = await open(t);
  const reading = await tcp('/v1/events', tokens.read);
  const stuck = connect({ host: '127.0.0.1', port: listener.port });
  stuck.on('error', () => {});
  stuck.write(`GET /v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${tokens.read}\r\n\r\n`);
  await readers(control, 2);
  stuck.pause();
  // As the server does when it stops.
  for (const reader of [...control.readers]) reader.close();
  const begun = performance.now();
  await Promise.all([listener.close(), socket.close()]);
  t.ok(performance.now() - begun < 900, 'not as long as requests are waited for');
  await reading.ended;
  stuck.destroy();
});
