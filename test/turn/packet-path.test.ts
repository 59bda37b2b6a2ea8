import { test } from 'tap';
import { costOf, MOST_BYTES_PER_PACKET, steadyCostOf } from '../support/heap-growth.ts';

const CHILD = 'packet-path-child';

const JOBS = [
  'client to peer by channel',
  'client to peer by Send',
  'client to peer by Send with DONT-FRAGMENT',
  'client to IPv6 peer by Send',
  'peer to client by channel',
  'peer to client by channel on a stream',
  'peer to client by Data',
  'IPv6 peer to client by Data',
  'relay to relay by channels',
  'relay to relay by Send and Data',
  'relay to a relay of another process and back',
  'stranger to nobody',
  'everything',
  'everything by the time of day',
  'within rates',
  'beyond rates',
];

for (const job of JOBS) {
  test(`the engine puts nothing on the heap for a packet: ${job}`, async (t) => {
    const { bytesPerPacket, collections } = steadyCostOf(CHILD, job);
    t.ok(bytesPerPacket < MOST_BYTES_PER_PACKET, `${bytesPerPacket} bytes per packet`);
    t.equal(collections, 0);
  });
}

test('the measurement notices one allocation per packet', async (t) => {
  t.ok(costOf(CHILD, 'self-check').bytesPerPacket > MOST_BYTES_PER_PACKET);
  t.ok(costOf(CHILD, 'self-check', 1).collections > 0, 'and the collections that it causes');
});
