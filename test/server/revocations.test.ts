import { test } from 'tap';
import { MAX_REVOKED_NAMES, RevokedNames } from '../../src/auth/revoked-names.ts';
import { StateDirectoryError } from '../../src/errors.ts';
import { loadRevokedNames, Revocations } from '../../src/server/revocations.ts';
import { StateDirectory } from '../../src/state/state-directory.ts';
import { temporaryDirectory } from '../support/turnd-process.ts';

const NOW = 1_700_000_000;
const wallTime = (): number => NOW * 1000;
const NAME = `${NOW + 60}:alice`;

function make(replace: (name: string, content: Buffer) => Promise<void> = async () => {}) {
  const names = new RevokedNames(wallTime);
  const done: string[] = [];
  let act: () => void = () => {};
  const revocations = new Revocations({
    names,
    state: { replace },
    touch: () => void done.push('touch'),
    end: async (selector) => {
      done.push(`end ${'user' in selector ? selector.user : ''}`);
      return 3;
    },
    after: (delay, later) => {
      done.push(`after ${delay}`);
      act = later;
      return () => void done.push('stopped');
    },
  });
  return { names, done, revocations, later: () => act() };
}

test('caches are void before allocations end, and those being made end soon after', async (t) => {
  const { names, done, revocations, later } = make();
  t.equal(await revocations.revoke(NAME, ':'), 3);
  t.equal(names.has(NAME), true);
  t.equal(revocations.isRevoked(NAME), true);
  t.same(done, ['touch', 'after 400', `end ${NAME}`]);
  later();
  t.same(done.slice(3), [`end ${NAME}`]);
  await revocations.revoke(`alice:${NOW + 60}`, ':');
  t.equal(names.has(`alice:${NOW + 60}`), true, 'in either order');
  revocations.close();
  t.equal(done.at(-1), 'stopped');
});

test('what has expired already has allocations that end, and nothing is kept', async (t) => {
  const { names, revocations } = make();
  t.equal(await revocations.revoke(`${NOW - 1}:alice`, ':'), 3);
  t.same(names.list(), []);
});

test('a name that is not time-limited is refused, and a list that is full', async (t) => {
  const { names, done, revocations } = make();
  for (const name of ['alice', 'alice:bob', '', `1:${'x'.repeat(800)}`, '1700000000000:alice', '1:\ufffd'])
    await t.rejects(revocations.revoke(name, ':'), { fault: 'invalid', message: /no time-limited username/ }, name);
  await t.rejects(revocations.revoke(NAME, '|'), { fault: 'invalid', message: /no time-limited/ });
  for (let at = 0; at < MAX_REVOKED_NAMES; at++) names.add({ username: `${NOW + 9}:${at}`, expiry: NOW + 9 });
  await t.rejects(revocations.revoke(NAME, ':'), { fault: 'unavailable', message: /turnctl secret rotate/ });
  t.same(done, []);
});

test('what is revoked while a write is under way is in the next one, which is one', async (t) => {
  const written: string[] = [];
  const others: Promise<number>[] = [];
  const { revocations } = make(async (_, content) => {
    written.push(content.toString());
    if (written.length > 1) return;
    for (const at of [2, 3, 4]) others.push(revocations.revoke(`${NOW + at}:x`, ':'));
  });
  await revocations.revoke(`${NOW + 1}:x`, ':');
  await Promise.all(others);
  t.same(
    written.map((text) => text.trim().split('\n').length),
    [1, 4],
  );
});

test('a file that cannot be written is told, and the next one is tried', async (t) => {
  let isFull = true;
  const { names, revocations } = make(async () => {
    if (isFull) throw new StateDirectoryError('TURN_STATE_DIRECTORY', 'no space left');
  });
  const refusal = { fault: 'unavailable', message: /refused until turnd restarts, and no longer: no space left/ };
  await t.rejects(revocations.revoke(NAME, ':'), refusal);
  t.equal(names.has(NAME), true);
  isFull = false;
  t.equal(await revocations.revoke(NAME, ':'), 3);
});

test('names of any characters come back from the file; a damaged one is told by its name', async (t) => {
  const state = await StateDirectory.open(temporaryDirectory(t));
  t.teardown(() => state.close());
  t.same(loadRevokedNames(state, wallTime).list(), []);
  const odd = `${NOW + 60}:"\n \u2028 ü ${NOW}`;
  const { revocations } = make((name, content) => state.replace(name, content));
  await revocations.revoke(odd, ':');
  await revocations.revoke(NAME, ':');
  t.same(
    loadRevokedNames(state, wallTime)
      .list()
      .map(({ username }) => username),
    [odd, NAME],
  );
  t.same(loadRevokedNames(state, () => (NOW + 60) * 1000).list(), [], 'they have expired meanwhile');
  for (const text of ['x\n', '5 alice\n', '5 "alice\n', `${NOW} {}\n`]) {
    await state.replace('revoked-names', Buffer.from(text));
    t.throws(() => loadRevokedNames(state, wallTime), /revoked-names is damaged/, text);
  }
});
