// What a mistyped name was meant to be.

import { test } from 'tap';
import { suggest } from '../../src/config/suggest.ts';

test('the nearest name is suggested', async (t) => {
  t.equal(suggest('alow', ['deny', 'allow', 'all']), ' (did you mean "allow"?)');
  t.equal(suggest('REALM', ['realm']), ' (did you mean "realm"?)');
});

test('nothing is suggested for a name that is far from all', async (t) => {
  t.equal(suggest('certificate', ['deny', 'allow']), '');
  t.equal(suggest('x'.repeat(100_000), ['deny']), '');
});
