import { test } from 'tap';
import { numbersIn } from './requirement-proofs.ts';

test('numbers are read from the beginning of test names only', async (t) => {
  t.same([...numbersIn("test('TURN-03, TURN-29: it is so (see TURN-01)', async")], ['TURN-03', 'TURN-29']);
  t.same([...numbersIn('test(`S29, R10 and S31 it is so`, async')], ['S29', 'R10', 'S31']);
  t.same([...numbersIn("test('SHA256 is no number', async")], []);
  t.same([...numbersIn("test('like TURN-03', async")], []);
});
