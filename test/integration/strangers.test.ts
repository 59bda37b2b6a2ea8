// What strangers get of a running server, all its processes together: floods from one address and guesses of a password,
// while others are served.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { patiently, RawClient, REQUEST } from '../support/raw-client.ts';
import { labFlags, startLabTurnd, startTurndWith, temporaryDirectory } from '../support/turnd-process.ts';
import { decode, message } from '../support/wire.ts';
import { requestedTransport } from '../support/wire-attributes.ts';

const SOCKETS = 40;
const FLOOD_MS = 2500;

/** Sends `bytes` from many ports of one address for a while; returns the answers and the seconds that it took. */
async function flood(address: string, port: number, bytes: Buffer): Promise<{ answers: Buffer[]; seconds: number }> {
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => DatagramPeer.open(address)));
  const answers: Buffer[] = [];
  for (const { socket } of sockets) socket.on('message', (answer) => answers.push(answer));
  const start = performance.now();
  while (performance.now() - start < FLOOD_MS) {
    for (const { socket } of sockets) socket.send(bytes, port, '127.0.0.1');
    for (const { socket } of sockets) socket.send(bytes, port, '127.0.0.1');
    await pause(8);
  }
  // Whatever was sent before the last of these questions has been handled once the server is quiet.
  await pause(200);
  const seconds = (performance.now() - start) / 1000;
  for (const socket of sockets) socket.close();
  return { answers, seconds };
}

/** Asks until it is answered: floods fill the kernel's buffers now and then. */
async function persist(client: RawClient, bytes: () => Buffer): Promise<void> {
  for (let tries = 0; tries < 8; tries++) {
    const answer = await client.exchange(bytes(), 1500).catch(() => null);
    if (answer !== null) return;
  }
  throw new Error('a client elsewhere is not served');
}

test('S42 a flood from one address, its ports rotating: answers as the rate says, and clients elsewhere are served', async (t) => {
  const server = await startLabTurnd(t);
  const port = await server.port('udp');
  for (const [address, type, rate, code] of [
    ['127.0.0.2', REQUEST.allocate, 10, 401],
    ['127.0.0.3', REQUEST.binding, 100, undefined],
  ] as const) {
    const socket = await DatagramPeer.open(`127.0.1.${rate % 90}`);
    const client = await RawClient.open({ port, socket });
    t.teardown(() => client.close());
    const flooding = flood(address, port, message({ type }));
    let served = 0;
    for (const end = performance.now() + FLOOD_MS; performance.now() < end; served++) {
      await persist(client, () => message({ type: REQUEST.binding }));
      await pause(20);
    }
    const { answers, seconds } = await flooding;
    const most = rate * 1.1 * (seconds + 1);
    t.ok(answers.length >= rate, `${answers.length} answers`);
    t.ok(answers.length <= most, `${answers.length} answers in ${seconds.toFixed(1)} s: at most ${most.toFixed(0)}`);
    t.ok(answers.every((answer) => decode(answer).errorCode === code));
    t.ok(served > 10, `${served} questions of a client elsewhere were answered`);
  }
});

test('S20 guesses over many connections are braked by all processes together; the user elsewhere allocates', async (t) => {
  const server = await startLabTurnd(t, ['--listen', 'tcp://127.0.0.1:0']);
  const [port, udp] = [await server.port('tcp'), await server.port('udp')];
  const guessers = await Promise.all(
    Array.from({ length: 12 }, () => RawClient.open({ port, transport: 'tcp', password: 'wrong' })),
  );
  t.teardown(() => guessers.map((guesser) => guesser.close()));
  for (const guesser of guessers) await guesser.challenge();
  const start = performance.now();
  for (let round = 0; round < 50; round++) {
    for (const guesser of guessers) guesser.send(guesser.signed(REQUEST.allocate, [requestedTransport()]));
    await pause(20);
  }
  // Binding is not braked, and comes behind all that was sent before.
  for (const guesser of guessers) await guesser.binding();
  const seconds = (performance.now() - start) / 1000;
  const answers = guessers.reduce((sum, guesser) => sum + guesser.unread, 0);
  t.ok(answers >= 10, `${answers} answers`);
  t.ok(answers <= 11 * (seconds + 1), `${answers} answers to 600 guesses in ${seconds.toFixed(1)} s`);
  const socket = await DatagramPeer.open('127.0.1.9');
  const user = await RawClient.open({ port: udp, socket });
  t.teardown(() => user.close());
  t.equal((await user.allocate()).cls, 2);
  await server.logged('the brake', ({ event }) => event === 'auth-braked');
  t.equal(await server.stop(), 0);
  const braked = server.log.filter(({ event }) => event === 'auth-braked');
  t.match(braked, [{ level: 'warn', client: '127.0.0.1', user: 'alice' }]);
});

test('S20, S42: a reload changes what strangers get, in every process', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'turnd.yaml');
  const write = (rate: number) => {
    writeFileSync(file, `limits: {unauthenticated-replies-per-second: ${rate}, failed-logins-per-second: ${rate}}\n`, {
      mode: 0o600,
    });
  };
  write(1);
  const flags = labFlags(directory, '--config', file, '--listen', 'tcp://127.0.0.1:0');
  const server = await startTurndWith(t, flags);
  write(0);
  const [reload] = await once(
    request({ socketPath: join(directory, 'state', 'turnd.sock'), method: 'POST', path: '/v1/reload' }).end(),
    'response',
  );
  t.equal(reload.statusCode, 200);
  await server.logged('the reload', ({ event }) => event === 'reloaded');
  const port = await server.port('udp');
  const socket = await DatagramPeer.open('127.0.0.4');
  t.teardown(() => socket.close());
  const client = await RawClient.open({ port, socket });
  // Without a limit each is answered; with the old one ten are, and then one a second.
  for (let tries = 0; tries < 60; tries++) await client.exchange(message({ type: REQUEST.allocate }));
  const guesser = await RawClient.open({ port: await server.port('tcp'), transport: 'tcp', password: 'wrong' });
  t.teardown(() => guesser.close());
  for (let tries = 0; tries < 60; tries++) t.equal((await patiently('an answer', guesser.allocate())).errorCode, 401);
});
