// Operational faults and the exit status that they lead to.

import { test } from 'tap';
import { ConfigError, describeSystemError, exitStatusOf, ListenError, StateDirectoryError } from '../src/errors.ts';

test('a fault of the configuration exits with 2, any other with 1', async (t) => {
  t.equal(exitStatusOf(new ConfigError(['a', 'b'])), 2);
  t.equal(exitStatusOf(new ListenError('port 3478 is taken')), 1);
  t.equal(exitStatusOf('anything'), 1);
});

test('faults carry name, code, message and cause', async (t) => {
  const cause = new Error('EADDRINUSE');
  t.match(new ListenError('taken', cause), { name: 'ListenError', code: 'TURN_LISTEN', message: 'taken', cause });
  t.match(new StateDirectoryError('TURN_STATE_LOCKED', 'locked'), { code: 'TURN_STATE_LOCKED' });
  t.match(new ConfigError(['a', 'b']), { code: 'TURN_CONFIG', message: 'a\nb', problems: ['a', 'b'] });
});

test('system errors are put in words', async (t) => {
  t.equal(describeSystemError(Object.assign(new Error('x'), { code: 'EACCES' })), 'permission denied');
  t.equal(describeSystemError(Object.assign(new Error('x'), { code: 'EWEIRD' })), 'EWEIRD');
  t.equal(describeSystemError(new Error('message')), 'message');
  t.equal(describeSystemError(5), 'unknown error');
});
