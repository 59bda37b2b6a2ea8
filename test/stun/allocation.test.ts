import { test } from 'tap';
import { costOf, MOST_BYTES_PER_PACKET } from '../support/heap-growth.ts';

const CHILD = 'allocation-child';

for (const job of ['send-indication', 'channel-data', 'both', 'data-indication']) {
  test(`the packet path allocates nothing: ${job}`, async (t) => {
    const { bytesPerPacket, collections } = costOf(CHILD, job);
    t.ok(bytesPerPacket < MOST_BYTES_PER_PACKET, `${bytesPerPacket} bytes per packet`);
    t.equal(collections, 0);
  });
}

for (const job of ['self-check-subarray', 'self-check-object']) {
  test(`the measurement notices one allocation per packet: ${job}`, async (t) => {
    t.ok(costOf(CHILD, job).bytesPerPacket > MOST_BYTES_PER_PACKET);
    t.ok(costOf(CHILD, job, 1).collections > 0, 'and the collections that it causes');
  });
}
