import { test } from 'tap';
import { Closers } from '../../src/server/closers.ts';

test('what was opened last is closed first, each once', async (t) => {
  const closers = new Closers();
  const closed: number[] = [];
  for (const number of [1, 2, 3]) {
    closers.add(async () => {
      await Promise.resolve();
      closed.push(number);
    });
  }
  await closers.close();
  await closers.close();
  t.same(closed, [3, 2, 1]);
});

test('every closer runs, whatever another throws, and the first error is told', async (t) => {
  const closers = new Closers();
  const closed: number[] = [];
  closers.add(() => void closed.push(1));
  closers.add(() => Promise.reject(new Error('second')));
  closers.add(() => {
    throw new Error('first');
  });
  await t.rejects(closers.close(), /first/);
  t.same(closed, [1]);
});
