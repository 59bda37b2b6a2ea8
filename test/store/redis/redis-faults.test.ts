// What is hard to make a real Redis say; the rest is in open-redis-store.test.ts.

import { test } from 'tap';
import { toStoreError } from '../../../src/store/redis/redis-faults.ts';

const SAID: readonly (readonly [answer: string, fault: string, words: RegExp])[] = [
  ['LOADING Redis is loading the dataset in memory', 'unreachable', /still loading.*LOADING/],
  ['MASTERDOWN Link with MASTER is down', 'unreachable', /primary/],
  ['ERR max number of clients reached', 'unreachable', /too many clients/],
  ['MOVED 3999 127.0.0.1:6381', 'failed', /Redis Cluster/],
  ['DENIED Redis is running in protected mode', 'denied', /protected mode/],
  ['MISCONF Redis is configured to save RDB snapshots', 'failed', /cannot save/],
  ["ERR unknown command 'SET', with args beginning with: 'turn/realm/a' 'se-cret'", 'failed', /unknown command/],
];

test('answers of Redis are put into words', async (t) => {
  for (const [answer, fault, words] of SAID) {
    const error = toStoreError('redis://localhost:6379/0', new Error(answer));
    t.equal(error.fault, fault, answer);
    t.match(error.message, words);
    t.match(error.message, /^store redis:\/\/localhost:6379\/0: /);
    t.notMatch(error.message, 'se-cret');
    t.equal(error.cause, undefined, 'the client’s error knows the arguments');
  }
});

test('a transaction fails for the reason of its command', async (t) => {
  const error = Object.assign(new Error('EXECABORT Transaction discarded'), {
    previousErrors: [new Error('NOPERM this user has no permissions')],
  });
  t.match(toStoreError('x', error), { fault: 'denied', message: /ACL/ });
});

test('whatever is thrown becomes a fault of the store', async (t) => {
  for (const thrown of [undefined, null, 'text', 7, new TypeError('a bug')]) {
    t.match(toStoreError('x', thrown), { code: 'TURN_STORE', fault: 'failed' });
  }
});
