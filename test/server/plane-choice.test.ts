import { test } from 'tap';
import type { Libc } from '../../src/planes/linux/libc.ts';
import { choosePlane } from '../../src/server/plane-choice.ts';

const LIBC = {} as Libc;
const works = async (): Promise<Libc> => LIBC;
const fails = async (): Promise<Libc> => {
  throw new Error('koffi is not installed');
};

test('auto is the linux plane where it works, else the portable one with a sentence', async (t) => {
  t.same(await choosePlane({ plane: 'auto', workers: 3 }, works), { plane: 'linux', workers: 3, libc: LIBC });
  const { plane, ...rest } = await choosePlane({ plane: 'auto', workers: 'auto' }, fails);
  t.equal(plane, 'portable');
  t.match(rest, { reason: 'the linux plane cannot be used here: koffi is not installed: one process serves' });
  const choice = await choosePlane({ plane: 'auto', workers: 'auto' }, works);
  t.ok(choice.plane === 'linux' && choice.workers >= 1);
});

test('whoever wants one process, or the portable plane, gets it without a word', async (t) => {
  for (const wish of [
    { plane: 'auto', workers: 0 },
    { plane: 'portable', workers: 'auto' },
  ] as const) {
    t.same(await choosePlane(wish, works), { plane: 'portable', reason: null });
  }
});

test('whoever wants the linux plane is told why it cannot be', async (t) => {
  await t.rejects(choosePlane({ plane: 'linux', workers: 'auto' }, fails), {
    code: 'TURN_PLANE',
    message: 'plane: the linux plane cannot be used here: koffi is not installed: use --plane auto or portable',
  });
});
