// When a request is sent again and when it is given up (RFC 8489 §6.2), against a server that is silent.

import { test } from 'tap';
import { ClientError } from '../../src/client/client-error.ts';
import { STANDARD_PACING, Transactions } from '../../src/client/transaction.ts';
import { TurnClient } from '../../src/client/turn-client.ts';
import { FakePath, respond } from '../support/fake-path.ts';
import { vectorNamed } from '../support/vectors.ts';
import { VirtualTimers } from '../support/virtual-timers.ts';
import { xorMappedAddress } from '../support/wire-attributes.ts';

const REQUEST = Buffer.from(vectorNamed('derived-binding-request').hex, 'hex');

/** Sends to nobody and notes when; tells how it ended. */
async function askSilence(isReliable: boolean, options: Partial<typeof STANDARD_PACING> = {}) {
  const timers = new VirtualTimers();
  const sentAt: number[] = [];
  const path = { isReliable, send: () => void sentAt.push(timers.now()) };
  const transactions = new Transactions(path, timers, { ...STANDARD_PACING, ...options });
  const ended = transactions
    .run('Binding', REQUEST, (view) => ({ value: view }))
    .then(
      () => ({ fault: 'none', at: timers.now() }),
      (error: ClientError) => ({ fault: error.fault, at: timers.now() }),
    );
  await timers.pass(100_000);
  return { sentAt, ended: await ended, waiting: timers.waiting };
}

test('CLI-06 over UDP: RTO 500 ms doubling, seven times, then sixteen RTO', async (t) => {
  const { sentAt, ended, waiting } = await askSilence(false);
  t.strictSame(sentAt, [0, 500, 1500, 3500, 7500, 15_500, 31_500]);
  t.strictSame(ended, { fault: 'timeout', at: 39_500 });
  t.equal(waiting, 0, 'no timer is left');
});

test('CLI-06 over a stream: sent once, given up after 39.5 s', async (t) => {
  const { sentAt, ended } = await askSilence(true);
  t.strictSame(sentAt, [0]);
  t.strictSame(ended, { fault: 'timeout', at: 39_500 });
});

test('CLI-06 retransmissions are the same bytes and end with the answer', async (t) => {
  const timers = new VirtualTimers();
  const path = new FakePath((request, count) =>
    count === 3 ? [respond(request, 2, { attrs: [xorMappedAddress('198.51.100.1', 99)] })] : [],
  );
  const client = new TurnClient(path, { credential: null, timers });
  const binding = client.binding();
  await timers.pass(60_000);
  t.match(await binding, { transmissions: 3, rttMs: 0, mapped: { port: 99 } });
  t.equal(path.sent.length, 3);
  t.strictSame(path.sent[2], path.sent[0]);
});

test('a limit ends a transaction earlier', async (t) => {
  const { sentAt, ended, waiting } = await askSilence(false, { limitMs: 2000 });
  t.strictSame([sentAt, ended.at, waiting], [[0, 500, 1500], 2000, 0]);
});

test('an answer with another transaction ID belongs to nobody', async (t) => {
  const timers = new VirtualTimers();
  const path = new FakePath((request) => {
    const other = respond(request, 2, { attrs: [xorMappedAddress('198.51.100.1', 99)] });
    other.writeUInt8(other.readUInt8(8) ^ 1, 8);
    return [other];
  });
  const client = new TurnClient(path, { credential: null, timers });
  const binding = t.rejects(client.binding(), { fault: 'timeout', message: 'Binding: no answer' });
  await timers.pass(60_000);
  await binding;
});

test('the end of the path ends what waits', async (t) => {
  const path = new FakePath();
  const client = new TurnClient(path, { credential: null, timers: new VirtualTimers() });
  const binding = t.rejects(client.binding(), { fault: 'refused', message: 'nobody' });
  path.listener.onError(new ClientError('refused', 'nobody'));
  await binding;
});
