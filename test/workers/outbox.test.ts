import { test } from 'tap';
import { Outbox } from '../../src/workers/outbox.ts';

function scene() {
  const batches: (readonly string[])[] = [];
  const sent: (() => void)[] = [];
  const later: (() => void)[] = [];
  const outbox = new Outbox<string>({
    send: (messages, done) => {
      batches.push(messages);
      sent.push(done);
    },
    later: (act) => later.push(act),
  });
  const endTurn = (): void => {
    for (const act of later.splice(0)) act();
  };
  return { outbox, batches, sent, later, endTurn };
}

test('what is said in one turn leaves as one, in its order', async (t) => {
  const { outbox, batches, later, endTurn } = scene();
  for (const message of ['a', 'b', 'c']) outbox.send(message);
  t.same([batches, later.length], [[], 1]);
  endTurn();
  t.same(batches, [['a', 'b', 'c']]);
  outbox.send('d');
  endTurn();
  t.same(batches, [['a', 'b', 'c'], ['d']]);
});

test('what somebody waits for leaves at once, behind what was said before', async (t) => {
  const { outbox, batches, sent, endTurn } = scene();
  let hasLeft = false;
  outbox.send('a');
  outbox.send('last', () => {
    hasLeft = true;
  });
  t.same(batches, [['a', 'last']]);
  t.notOk(hasLeft);
  sent[0]?.();
  t.ok(hasLeft);
  endTurn();
  t.equal(batches.length, 1, 'nothing is sent for nothing');
  outbox.send('b');
  endTurn();
  t.same(batches.at(-1), ['b']);
});
