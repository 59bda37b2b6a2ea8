import { test } from 'tap';
import {
  type AnswerMessage,
  answerCall,
  CallError,
  Caller,
  type CallMessage,
  type RefusalMessage,
} from '../../src/workers/calls.ts';

type Sums = {
  readonly double: { readonly ask: number; readonly answer: number };
  readonly fail: { readonly ask: null; readonly answer: null };
};

/** Two sides; messages pass when the test says so. */
class Line {
  readonly asked: CallMessage[] = [];
  readonly answers: (AnswerMessage | RefusalMessage)[] = [];
  readonly caller = new Caller<Sums>((message) => this.asked.push(message), 3);

  answerAll(): void {
    for (const message of this.asked.splice(0)) {
      answerCall<Sums>(
        {
          double: (value) => (value > 100 ? Promise.resolve(value * 2) : value * 2),
          fail: () => {
            throw new Error('no');
          },
        },
        message,
        (answer) => this.answers.push(answer),
      );
    }
  }

  settleAll(): void {
    for (const answer of this.answers.splice(0)) this.caller.settle(answer);
  }
}

test('answers find their questions, whatever their order', async (t) => {
  const line = new Line();
  const both = [line.caller.call('double', 1), line.caller.call('double', 2)];
  line.answerAll();
  line.answers.reverse();
  line.settleAll();
  t.same(await Promise.all(both), [2, 4]);
  t.equal(line.caller.waiting, 0);
});

test('what can be answered at once is; a promise is waited for', async (t) => {
  const line = new Line();
  const slow = line.caller.call('double', 200);
  line.answerAll();
  t.equal(line.answers.length, 0);
  await Promise.resolve();
  line.settleAll();
  t.equal(await slow, 400);
});

test('a handler that throws, and a question that nobody knows, are refused', async (t) => {
  const line = new Line();
  const failed = line.caller.call('fail', null);
  line.answerAll();
  line.settleAll();
  await t.rejects(failed, new CallError('fail: no'));
  const answers: unknown[] = [];
  answerCall<Sums>(
    { double: (value) => value, fail: () => null },
    { kind: 'call', id: 1, name: 'toString', ask: 1 },
    (answer) => answers.push(answer),
  );
  t.same(answers, [{ kind: 'refusal', id: 1, reason: 'toString: there is no such question' }]);
});

test('too many questions fail at once, and so do all when the channel is gone', async (t) => {
  const line = new Line();
  const waiting = [1, 2, 3].map((value) => line.caller.call('double', value));
  await t.rejects(line.caller.call('double', 4), CallError);
  line.caller.close();
  for (const one of waiting) await t.rejects(one, new CallError('the other process is gone'));
  await t.rejects(line.caller.call('double', 5), CallError);
  t.equal(line.asked.length, 3);
});

test('an answer that nobody waits for is passed over', async (t) => {
  const line = new Line();
  line.caller.settle({ kind: 'answer', id: 77, answer: 1 });
  t.equal(line.caller.waiting, 0);
});
