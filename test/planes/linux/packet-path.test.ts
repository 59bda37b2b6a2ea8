import { test } from 'tap';
import { costOf, MOST_BYTES_PER_PACKET, steadyCostOf } from '../../support/heap-growth.ts';
import { findLibc } from '../../support/linux-libc.ts';

const { skip } = await findLibc();

const CHILD = 'linux-packet-path-child';

const JOBS = [
  'client to peer by channel',
  'client to peer by Send',
  'client to peer by Send with DONT-FRAGMENT',
  'client to IPv6 peer by channel',
  'peer to client by channel',
  'peer to client by Data',
  'IPv6 peer to client by Data',
  'relay to relay by channels',
  'everything',
];

for (const job of JOBS) {
  test(`the Linux plane and the engine put nothing on the heap for a packet: ${job}`, { skip }, async (t) => {
    const { bytesPerPacket, collections } = steadyCostOf(CHILD, job);
    t.ok(bytesPerPacket < MOST_BYTES_PER_PACKET, `${bytesPerPacket} bytes per packet`);
    t.equal(collections, 0);
  });
}

test('the measurement notices one allocation per packet', { skip }, async (t) => {
  t.ok(costOf(CHILD, 'self-check').bytesPerPacket > MOST_BYTES_PER_PACKET);
  t.ok(costOf(CHILD, 'self-check', 1).collections > 0, 'and the collections that it causes');
});
