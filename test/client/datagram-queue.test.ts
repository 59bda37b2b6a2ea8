// The queue in front of dgram-as-promised, on loopback.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'tap';
import { DatagramQueue } from '../../src/client/datagram-queue.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { address } from '../support/fake-path.ts';

const LOOPBACK = address('127.0.0.1', 0).ip;

async function sendTo(queue: DatagramQueue, texts: readonly string[]): Promise<DatagramPeer> {
  const peer = await DatagramPeer.open('127.0.0.1');
  for (const text of texts) await peer.send(Buffer.from(text), queue.local.port, '127.0.0.1');
  return peer;
}

test('nothing that arrives between two reads is lost, and the order is kept', async (t) => {
  const queue = await DatagramQueue.open({ local: LOOPBACK });
  const texts = Array.from({ length: 200 }, (_, index) => `packet ${index}`);
  const waiting = queue.next();
  const peer = await sendTo(queue, texts);
  const heard = [(await waiting)?.bytes.toString()];
  for await (const { bytes } of queue) {
    heard.push(bytes.toString());
    // A reader that is slow: everything else comes meanwhile.
    await new Promise(setImmediate);
    if (heard.length === texts.length) break;
  }
  t.strictSame(heard, texts);
  t.equal(queue.dropped, 0);
  await queue.close();
  peer.close();
});

test('a full queue drops the newest and counts them', async (t) => {
  const queue = await DatagramQueue.open({ local: LOOPBACK, capacity: 2 });
  const peer = await sendTo(queue, ['one', 'two', 'three', 'four']);
  while (queue.dropped < 2) await new Promise(setImmediate);
  t.equal((await queue.next())?.bytes.toString(), 'one');
  t.equal((await queue.next())?.bytes.toString(), 'two');
  await queue.close();
  peer.close();
});

test('closing ends a read that waits and those after it; it may be done twice', async (t) => {
  const queue = await DatagramQueue.open({ local: LOOPBACK });
  const waiting = queue.next();
  await queue.close();
  await queue.close();
  t.equal(await waiting, null);
  t.equal(await queue.next(), null);
  queue.send(Buffer.from('x'));
});

test('a connected queue learns of a port where nobody listens', async (t) => {
  const gone = createSocket('udp4').bind(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address();
  gone.close();
  const queue = await DatagramQueue.open({ remote: address('127.0.0.1', port) });
  queue.send(Buffer.from('hello'));
  await t.rejects(queue.next(), { code: 'ECONNREFUSED' });
  await queue.close();
});

test('an address that is not ours is an error of open', async (t) => {
  await t.rejects(DatagramQueue.open({ local: address('203.0.113.1', 0).ip }), { code: 'EADDRNOTAVAIL' });
});
