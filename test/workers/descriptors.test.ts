// Descriptors by tags, from a worker that speaks of them and from one that does not: none stays open for good.

import { closeSync, openSync, readdirSync } from 'node:fs';
import { test } from 'tap';
import type { DescriptorChannel, ReceivedDescriptors } from '../../src/planes/linux/descriptor-channel.ts';
import { TaggedDescriptors } from '../../src/workers/descriptors.ts';

/** What the other side has sent, to be received in its order. */
function channelWith(packets: readonly (readonly [tag: string, fds: number])[]) {
  const waiting: ReceivedDescriptors[] = packets.map(([tag, count]) => ({
    message: Buffer.from(tag),
    fds: Array.from({ length: count }, () => openSync('/dev/null', 'r')),
    truncated: false,
  }));
  const channel = { receive: () => waiting.shift() ?? null, close: () => {} };
  return new TaggedDescriptors(channel as unknown as DescriptorChannel);
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

const skip = process.platform === 'linux' ? false : 'counts what /proc shows';

test('a descriptor is found by its tag, whatever came before it', { skip }, async (t) => {
  const before = openDescriptors();
  const descriptors = channelWith([
    ['one', 1],
    ['two', 1],
  ]);
  for (const tag of ['two', 'one']) {
    const fd = descriptors.take(tag);
    t.type(fd, 'number', tag);
    if (fd !== null) closeSync(fd);
  }
  t.equal(descriptors.take('three'), null);
  t.equal(openDescriptors(), before);
});

test('S1 descriptors that nobody speaks of are closed: more than one to a tag, a tag twice, too many', {
  skip,
}, async (t) => {
  const before = openDescriptors();
  const junk = Array.from({ length: 300 }, (_, index) => [`junk ${index}`, 1] as const);
  const descriptors = channelWith([['mine', 3], ['mine', 2], ...junk]);
  t.equal(descriptors.take('none'), null);
  t.equal(openDescriptors() - before, 256, 'so many are kept for later words');
  t.equal(descriptors.take('junk 0'), null, 'the oldest is forgotten');
  descriptors.close();
  t.equal(openDescriptors(), before);
});

test('S1 of several descriptors under one tag the first counts, and none is left open', { skip }, async (t) => {
  const before = openDescriptors();
  const fd = channelWith([['mine', 3]]).take('mine');
  t.equal(openDescriptors() - before, 1);
  if (fd !== null) closeSync(fd);
});
