import { closeSync, openSync } from 'node:fs';
import { test } from 'tap';
import { DescriptorReserve } from '../../src/limits/descriptor-reserve.ts';

const limits = (soft: number | string): string =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft}                 65536                files\n`;

function lowest(): number {
  const fd = openSync('/', 'r');
  closeSync(fd);
  return fd;
}

test('R23 the last sixteen descriptors are kept free, and an eighth of a small limit', async (t) => {
  const large = 1000;
  const held: number[] = [];
  t.teardown(() => held.forEach(closeSync));
  const reserve = new DescriptorReserve(limits(large));
  while (lowest() < large - 17) held.push(openSync('/', 'r'));
  t.notOk(reserve.isShort(), 'seventeen are free');
  held.push(openSync('/', 'r'));
  t.ok(reserve.isShort(), 'sixteen are free');
  closeSync(held.pop() as number);
  t.notOk(reserve.isShort(), 'one has come back');
});

test('R23 of a small limit an eighth is kept free', async (t) => {
  const next = lowest();
  // The largest limit of which an eighth reaches down to the next descriptor, and one more.
  let limit = next;
  while (limit + 1 - ((limit + 1) >> 3) <= next) limit++;
  t.ok(limit >> 3 < 16, 'a small one');
  t.ok(new DescriptorReserve(limits(limit)).isShort());
  t.notOk(new DescriptorReserve(limits(limit + 1)).isShort());
});

test('R23 where the limit is not told or endless, nothing is kept', async (t) => {
  for (const text of ['', limits('unlimited'), 'nonsense']) t.notOk(new DescriptorReserve(text).isShort(), text);
});

test('the limit of this process is read, and looking costs no descriptor', async (t) => {
  const before = lowest();
  const reserve = new DescriptorReserve();
  for (let count = 0; count < 100; count++) t.notOk(reserve.isShort());
  t.equal(lowest(), before);
});
