import { test } from 'tap';
import { StoreError } from '../../src/errors.ts';
import { notifyingStore } from '../../src/store/notifying-store.ts';
import type { UserId } from '../../src/store/store.ts';
import { memoryStore } from '../support/memory-store.ts';

const ALICE = { realm: 'r', name: 'alice', md5Key: Buffer.alloc(16), sha256Key: null };

test('who is changed is told of before the call returns; looking tells of nothing', async (t) => {
  const told: (UserId | null)[] = [];
  const store = notifyingStore(memoryStore(), async (user) => void told.push(user));
  await store.putUser(ALICE);
  t.same(told, [ALICE]);
  t.equal(await store.removeUser({ realm: 'r', name: 'nobody' }), false);
  await store.putSecret({ realm: 'r', value: 'x', expiresAt: null });
  t.same(told.slice(1), [{ realm: 'r', name: 'nobody' }, null]);
  await store.findUser(ALICE);
  await store.snapshot();
  t.equal(told.length, 3);
});

test('a change that failed may have been made: it is told of, and fails all the same', async (t) => {
  const told: (UserId | null)[] = [];
  const lost = new StoreError('timeout', 'the answer was lost');
  const fail = async (): Promise<never> => {
    throw lost;
  };
  const store = notifyingStore({ ...bare(), removeUser: fail, putOrigin: fail }, async (user) => void told.push(user));
  await t.rejects(store.removeUser(ALICE), lost);
  await t.rejects(store.putOrigin({ origin: 'o', realm: 'r' }), lost);
  t.same(told, [ALICE, null]);
});

// Its methods stand alone, so that a test may replace some.
function bare() {
  return notifyingStore(memoryStore(), async () => {});
}
