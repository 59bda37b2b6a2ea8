// A process of its own for state-directory.test.ts: opens the state directory that it is given, says how that went in
// one line of JSON, and holds the directory until its standard input ends.

import { TurnServerError } from '../../src/errors.ts';
import { StateDirectory } from '../../src/state/state-directory.ts';

const [, , path = '', file = ''] = process.argv;

try {
  const state = await StateDirectory.open(path);
  if (file !== '') state.readOrCreate(file, () => Buffer.from('content'));
  console.log(JSON.stringify({ pid: process.pid }));
  for await (const _ of process.stdin);
  await state.close();
} catch (error) {
  if (!(error instanceof TurnServerError)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
  process.exitCode = 1;
}
