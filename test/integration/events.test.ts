// Events of a running server: a call is followed by the API and by webhooks, floods and outages are bounded, and a worker
// that dies takes no session with it unsaid.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { followEvents } from '../../src/control/event-client.ts';
import type { ServerEvent } from '../../src/events/event-schemas.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { planeUnderTest } from '../support/plane-under-test.ts';
import { patiently, RawClient, REQUEST } from '../support/raw-client.ts';
import { labFlags, startTurndWith, type TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';
import { lifetime } from '../support/wire-attributes.ts';
import { pidOf } from '../support/worker-processes.ts';

const TOKEN = '8c1f6a2e9b7d4c3f5a0e1d2c3b4a5968';
const SECRET = '5f0c2d7be1a842523f9c0d7be1a84252';
const API = {
  TURND_CONTROL__LISTEN: 'http://127.0.0.1:0',
  TURND_CONTROL__TOKENS: JSON.stringify([{ name: 'reader', scopes: ['read'], token: TOKEN }]),
} as const;
// All clients have one address here.
const NO_BUDGETS = {
  TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0',
  TURND_LIMITS__FAILED_LOGINS_PER_SECOND: '0',
} as const;

/** Events as they come, and a way to wait for one. */
class Followed {
  readonly events: ServerEvent[] = [];
  #wake: () => void = () => {};

  take(event: ServerEvent): void {
    this.events.push(event);
    this.#wake();
  }

  async until(what: string, isDone: (events: readonly ServerEvent[]) => boolean): Promise<void> {
    const done = async (): Promise<void> => {
      while (!isDone(this.events)) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    };
    await patiently(what, done(), 30_000);
  }

  typed(type: ServerEvent['type']): ServerEvent[] {
    return this.events.filter((event) => event.type === type);
  }
}

/** Reads the stream over TCP with a token. */
async function follow(
  t: Test,
  server: TurndProcess,
  query = '',
): Promise<{ followed: Followed; ended: Promise<void> }> {
  const { listening } = await server.logged(
    'where the API is',
    ({ event, listening: at }) => event === 'control' && at !== undefined,
  );
  const followed = new Followed();
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const address = { url: new URL(String(listening)), token: TOKEN, ca: null, timeout: 10_000 };
  const take = (event: { readonly type: string }): void => followed.take(event as ServerEvent);
  const ended = followEvents(address, `/v1/events${query}`, { take, signal: stop.signal });
  return { followed, ended };
}

async function openClient(t: Test, server: TurndProcess, who = {}): Promise<RawClient> {
  const client = await RawClient.open({ port: await server.port('udp'), ...who });
  t.teardown(() => client.close());
  return client;
}

/** Failed logins until the stream has one: then it is known to be read. */
async function isHeard(followed: Followed, client: RawClient): Promise<void> {
  while (followed.typed('auth-failed').length === 0) {
    await client.request(REQUEST.allocate, []);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a call is followed over TCP by whoever has a token', async (t) => {
  const server = await startTurndWith(t, labFlags(temporaryDirectory(t)), { env: { ...API, ...NO_BUDGETS } });
  const { followed } = await follow(t, server);
  await isHeard(followed, await openClient(t, server, { user: 'mallory', password: 'x' }));
  const client = await openClient(t, server);
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  const relayed = await client.allocated();
  t.equal((await client.permit('10.0.0.1')).errorCode, 403);
  t.equal((await client.bind(0x4000, '127.0.0.1', peer.port)).cls, 2);
  client.sendChannel(0x4000, 'twelve bytes');
  await peer.next();
  await peer.send(Buffer.from('seven..'), relayed.port, '127.0.0.1');
  await client.nextData();
  await followed.until('traffic', (events) => events.some(({ type }) => type === 'traffic'));
  t.equal((await client.request(REQUEST.refresh, [lifetime(900)])).cls, 2);
  t.equal((await client.request(REQUEST.refresh, [lifetime(0)])).cls, 2);
  await followed.until('the end', (events) => events.some(({ type }) => type === 'released'));
  const session = followed.events.filter((event) => 'session' in event);
  const facts = {
    ...{ realm: 'turnd', user: 'alice', client: `127.0.0.1:${client.datagrams?.port}`, transport: 'udp' },
    relayed: [`127.0.0.1:${relayed.port}`],
  };
  const traffic = { packetsFromClient: 1, bytesFromClient: 12, packetsToClient: 1, bytesToClient: 7 };
  t.match(session, [
    { type: 'allocated', ...facts, lifetime: 600 },
    { type: 'denied', ...facts, peer: '10.0.0.1' },
    { type: 'permission', ...facts, peer: '127.0.0.1' },
    { type: 'channel', ...facts, peer: `127.0.0.1:${peer.port}`, channel: 0x4000 },
    { type: 'traffic', ...facts, ...traffic },
    { type: 'refreshed', ...facts, lifetime: 900 },
    { type: 'released', ...facts, ...traffic, reason: 'deleted' },
  ]);
  t.equal(session.length, 7);
  t.match(followed.typed('auth-failed')[0], { user: 'mallory', realm: 'turnd', reason: 'unknown-user' });
});

test('a stop does not wait for readers, and ends their streams well', async (t) => {
  const server = await startTurndWith(t, labFlags(temporaryDirectory(t)), { env: { ...API, ...NO_BUDGETS } });
  const { followed, ended } = await follow(t, server);
  await isHeard(followed, await openClient(t, server, { user: 'mallory', password: 'x' }));
  t.equal(await server.stop(), 0);
  await ended;
  t.same(
    server.log.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
  );
});

test('S54 a flood of wrong passwords makes few events, and they say how many there were', async (t) => {
  const server = await startTurndWith(t, labFlags(temporaryDirectory(t)), { env: { ...API, ...NO_BUDGETS } });
  const { followed } = await follow(t, server, '?type=auth-failed');
  const client = await openClient(t, server, { password: 'wrong' });
  await isHeard(followed, client);
  const begun = performance.now();
  const flood = 1000;
  for (let at = 0; at < flood; at += 50) {
    await Promise.all(Array.from({ length: 50 }, () => client.exchange(client.signed(REQUEST.allocate, []))));
  }
  const count = (events: readonly ServerEvent[]): number =>
    events.reduce((sum, event) => sum + (event.type === 'dropped' ? event.count : 1), 0);
  await followed.until('the sum', (events) => count(events) >= flood);
  const seconds = (performance.now() - begun) / 1000 + 2;
  const told = followed.typed('auth-failed').length;
  t.ok(told <= 10 * seconds, `${told} events in ${seconds} s`);
  t.ok(followed.typed('dropped').length > 0);
});

interface Received {
  readonly request: IncomingMessage;
  readonly body: string;
}

/** A server of an operator: answers as it is told, and keeps what it took. */
class Receiver {
  readonly taken: Received[] = [];
  refused = 0;
  status = 204;
  readonly followed = new Followed();
  readonly server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const { status } = this;
      response.writeHead(status).end();
      if (status !== 204) {
        this.refused++;
        return;
      }
      this.taken.push({ request, body });
      for (const event of JSON.parse(body).data.events as ServerEvent[]) this.followed.take(event);
    });
  });

  async listen(t: Test, port = 0): Promise<number> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    t.teardown(() => {
      this.server.closeAllConnections();
      this.server.close();
    });
    return (this.server.address() as AddressInfo).port;
  }
}

/** As a receiver in any language would: with openssl. */
function isGenuine({ request, body }: Received, secret = SECRET): boolean {
  const { headers } = request;
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const mac = execFileSync('openssl', ['dgst', '-sha256', '-hmac', secret, '-binary'], { input: signed });
  const isFresh = Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp'])) < 300;
  return isFresh && headers['webhook-signature'] === `v1,${mac.toString('base64')}`;
}

const webhooks = (port: number, more: object = {}) => ({
  TURND_WEBHOOKS: JSON.stringify([{ url: `http://127.0.0.1:${port}/hook?key=CANARY`, secret: SECRET, ...more }]),
});

const sessionsOf = (events: readonly ServerEvent[]): number[] =>
  events.map((event) => ('session' in event ? event.session : 0));

test('webhooks get what they ask for, signed; the last of it when the server stops', async (t) => {
  const receiver = new Receiver();
  const port = await receiver.listen(t);
  const server = await startTurndWith(t, labFlags(temporaryDirectory(t)), { env: webhooks(port) });
  const client = await openClient(t, server);
  const relayed = await client.allocated();
  await receiver.followed.until('the beginning', (events) => events.length > 0);
  // Whoever signs for events is no peer of a client, whatever is open (S36).
  t.equal((await client.bind(0x4001, '127.0.0.1', port)).errorCode, 403);
  t.equal(await server.stop(), 0);
  t.match(
    receiver.followed.events.map(({ type }) => type),
    ['allocated', 'denied', 'released'],
  );
  t.match(receiver.followed.typed('released'), [
    { user: 'alice', relayed: [`127.0.0.1:${relayed.port}`], reason: 'shutdown' },
  ]);
  for (const one of receiver.taken) {
    t.ok(isGenuine(one));
    t.notOk(isGenuine({ ...one, body: `${one.body} ` }));
    t.equal(one.request.url, '/hook?key=CANARY');
  }
  t.notMatch(server.stdout.join('\n'), new RegExp(`CANARY|${SECRET}`), 'S55');
});

test('a receiver that is down gets everything in its order when it is up, and the log one line', async (t) => {
  const away = new Receiver();
  const port = await away.listen(t);
  away.server.close();
  const env = { ...webhooks(port, { events: ['allocated', 'released'] }), TURND_LOG__LEVEL: 'debug' };
  const server = await startTurndWith(t, labFlags(temporaryDirectory(t)), { env });
  for (let at = 0; at < 5; at++) {
    const client = await openClient(t, server);
    await client.allocated();
    await client.request(REQUEST.refresh, [lifetime(0)]);
  }
  await server.logged('that it fails', ({ event }) => event === 'webhook-failing');
  const receiver = new Receiver();
  receiver.status = 503;
  await receiver.listen(t, port);
  await patiently(
    'a request',
    (async () => {
      while (receiver.refused === 0) await once(receiver.server, 'request');
    })(),
    30_000,
  );
  receiver.status = 204;
  await receiver.followed.until('all', (events) => events.length >= 10);
  const { events } = receiver.followed;
  t.equal(events.length, 10, 'each once');
  const numbers = events.map(({ id }) => Number(id.split('-')[1]));
  t.same(
    numbers,
    [...numbers].sort((left, right) => left - right),
  );
  t.equal(new Set(sessionsOf(events)).size, 5);
  for (const one of receiver.taken) t.ok(isGenuine(one));
  await server.logged('that it is back', ({ event }) => event === 'webhook-back');
  t.equal(server.log.filter(({ event }) => event === 'webhook-failing').length, 1);
  t.notMatch(server.stdout.join('\n'), new RegExp(`CANARY|${SECRET}`), 'S55');
});

test('webhooks come and go with a reload', async (t) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'turnd.yaml');
  const receivers = [new Receiver(), new Receiver()];
  const ports = [await receivers[0]?.listen(t), await receivers[1]?.listen(t)];
  const write = (list: string): void =>
    writeFileSync(config, `auth: {users: [{name: bob, password: ${SECRET}}]}\nwebhooks: [${list}]\n`, { mode: 0o600 });
  const entry = (at: number): string =>
    `{url: 'http://127.0.0.1:${ports[at]}/', secret: ${SECRET}, events: [allocated]}`;
  write('');
  const server = await startTurndWith(t, [...labFlags(directory), '--config', config], { env: NO_BUDGETS });
  const reload = async (list: string): Promise<void> => {
    const before = server.log.filter(({ event }) => event === 'reloaded').length;
    write(list);
    server.child.kill('SIGHUP');
    await server.until('the reload', () => server.log.filter(({ event }) => event === 'reloaded')[before]);
  };
  await (await openClient(t, server)).allocated();
  for (const at of [0, 1]) {
    await reload(entry(at));
    const { followed } = receivers[at] as Receiver;
    // Workers hear of it a moment later.
    while (followed.events.length === 0) {
      await (await openClient(t, server)).allocated();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const known = receivers[0]?.followed.events.length;
  await (await openClient(t, server)).allocated();
  await server.stop();
  t.equal(receivers[0]?.followed.events.length, known, 'who is gone is told no more');
});

// The portable plane has no workers.
if (planeUnderTest === 'linux') {
  test('the sessions of a worker that dies end for those who follow them', workerDies);
}

async function workerDies(t: Test): Promise<void> {
  const receiver = new Receiver();
  const port = await receiver.listen(t);
  const flags = labFlags(temporaryDirectory(t), '--workers', '1', '--plane', 'linux');
  const server = await startTurndWith(t, flags, { env: webhooks(port, { events: ['released'] }) });
  const clients = [await openClient(t, server), await openClient(t, server)];
  for (const client of clients) await client.allocated();
  await clients[1]?.request(REQUEST.refresh, [lifetime(0)]);
  await receiver.followed.until('the end of one', (events) => events.length === 1);
  process.kill(pidOf(server, 1), 'SIGKILL');
  await receiver.followed.until('the end of the other', (events) => events.length === 2);
  t.match(receiver.followed.events, [
    { reason: 'deleted' },
    { type: 'released', reason: 'worker-lost', user: 'alice' },
  ]);
}
