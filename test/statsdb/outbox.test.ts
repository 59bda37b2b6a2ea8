import fc from 'fast-check';
import { test } from 'tap';
import { type Command, Outbox } from '../../src/statsdb/outbox.ts';

const texts = (commands: readonly Command[]): string[] =>
  commands.map(({ verb, key, value }) => `${verb} ${key} ${value}`.trimEnd());

test('commands leave in their order', async (t) => {
  const outbox = new Outbox(10);
  outbox.set('a', '1');
  outbox.publish('a', '1');
  outbox.delete('a');
  t.same(texts(outbox.take(2)), ['set a 1', 'publish a 1']);
  t.same(texts(outbox.take(2)), ['del a']);
  t.ok(outbox.isEmpty);
  t.equal(outbox.dropped, 0);
});

test('the oldest are dropped: messages are counted, keys put right', async (t) => {
  const outbox = new Outbox(2);
  outbox.set('a', '1');
  outbox.publish('a', '1');
  outbox.publish('b', '1');
  outbox.publish('b', '2');
  t.equal(outbox.dropped, 1);
  t.ok(outbox.isOutOfStep);
  t.same(texts(outbox.takeRepair()), ['set a 1']);
  t.notOk(outbox.isOutOfStep);
  t.same(texts(outbox.take(9)), ['publish b 1', 'publish b 2']);
});

test('after a loss what lives is set again, and what died meanwhile is deleted', async (t) => {
  const outbox = new Outbox(10);
  outbox.set('lives', '1');
  outbox.set('dies', '1');
  outbox.settle(outbox.take(9));
  outbox.delete('dies');
  outbox.publish('dies', 'deleted');
  outbox.lose(outbox.take(9));
  t.equal(outbox.dropped, 1);
  t.same(texts(outbox.takeFullRepair()), ['set lives 1', 'del dies']);
});

test('what was born and died while Redis was away leaves nothing', async (t) => {
  const outbox = new Outbox(2);
  for (let index = 0; index < 100; index++) {
    outbox.set(`k${index}`, '1');
    outbox.delete(`k${index}`);
  }
  t.same(texts(outbox.takeFullRepair()), []);
});

test('keys are right in the end, whatever is lost', async (t) => {
  const step = fc.record({
    act: fc.constantFrom('set', 'delete', 'publish', 'send', 'lose half', 'repair'),
    key: fc.constantFrom('a', 'b', 'c'),
  });
  const check = (): void =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 6 }), (steps, limit) => {
        const outbox = new Outbox(limit);
        const redis = new Map<string, string>();
        const wanted = new Map<string, string>();
        const obey = (commands: readonly Command[]): void => {
          for (const { verb, key, value } of commands) {
            if (verb === 'set') redis.set(key, value);
            if (verb === 'del') redis.delete(key);
          }
        };
        const send = (commands: readonly Command[]): void => {
          obey(commands);
          outbox.settle(commands);
        };
        for (const [index, { act, key }] of steps.entries()) {
          if (act === 'set') {
            outbox.set(key, `${index}`);
            wanted.set(key, `${index}`);
          } else if (act === 'delete') {
            outbox.delete(key);
            wanted.delete(key);
          } else if (act === 'publish') outbox.publish(key, `${index}`);
          else if (act === 'send') send(outbox.take(2));
          else if (act === 'repair') send(outbox.takeRepair());
          else {
            const taken = outbox.take(2);
            obey(taken.slice(0, 1));
            outbox.lose(taken);
          }
        }
        send(outbox.takeRepair());
        while (!outbox.isEmpty) send(outbox.take(2));
        while (outbox.isOutOfStep) send(outbox.takeRepair());
        return JSON.stringify([...redis].sort()) === JSON.stringify([...wanted].sort());
      }),
      { numRuns: 2000 },
    );
  t.doesNotThrow(check);
});
