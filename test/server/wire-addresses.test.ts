import { test } from 'tap';
import { ShownHistory } from '../../src/server/wire-addresses.ts';

test('R15 what a relay address has been shown as keeps its place', async (t) => {
  const history = new ShownHistory();
  t.same(history.note('10.0.0.1', 'a'), { ip: '10.0.0.1', shown: 'a', known: ['a'] });
  t.same(history.note('10.0.0.1', 'b').known, ['a', 'b']);
  t.same(history.note('10.0.0.2', 'c').known, ['c'], 'each relay address has its own');
  t.same(history.note('10.0.0.1', 'a').known, ['a', 'b'], 'what comes back has its place already');
});

test('R15 a byte can tell 256 of them apart: the oldest gives way', async (t) => {
  const history = new ShownHistory();
  for (let at = 0; at < 256; at++) history.note('10.0.0.1', `old ${at}`);
  const { known } = history.note('10.0.0.1', 'new');
  t.equal(known.length, 256);
  t.same(known.slice(0, 2), ['new', 'old 1']);
});
