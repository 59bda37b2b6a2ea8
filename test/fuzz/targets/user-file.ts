// Fuzzes files of static users: each line is a user, a comment, or a fault of its own that repeats nothing of it (S55).

import { parseUserFile } from '../../../src/config/user-file.ts';
import { mutateText } from '../mutate-text.ts';
import { expect, type Notice, type Target } from '../target.ts';
import { expectCleanLine, formOfLine } from './clean-line.ts';

const TOKENS: readonly string[] = [
  ...['alice:s3cret-Pass', 'bob:0x00112233445566778899aabbccddeeff', ':', '::', '0x', '0X', '#', '\n', '\r\n', '\r'],
  ...['\ufeff', '\u0000', '\t', ' ', 'é', 'e\u0301', '\u00ad', '\u2028', '\ud7ff', '__proto__:x', 'a'.repeat(513)],
];

const SEED = '# users\nalice:s3cret-Pass\n\nbob:0x00112233445566778899aabbccddeeff\r\ncarol:a:b:c\nnobody\n:x\ndave:\n';

/** parseUserFile. */
export const userFileTarget: Target = {
  name: 'user-file',
  code: ['/src/config/user-file', '/src/config/fields'],
  seeds: () => [Buffer.from(SEED), ...SEED.split('\n').map((line) => Buffer.from(line))],
  mutate: (input, other, random) => mutateText(input, other, { tokens: TOKENS, maxLength: 2000 }, random),
  run,
};

function run(input: Buffer, notice: Notice): number {
  const text = input.toString('utf8');
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const { users, faults } = parseUserFile(text);
  const counted = lines.filter((line) => line.trim() !== '' && !line.startsWith('#')).length;
  expect(users.length + faults.length === counted, `${users.length} users and ${faults.length} faults of ${counted}`);
  for (const user of users) {
    notice('key' in user ? 'key' : 'password');
    expect(user.name !== '', 'a user without name');
    if ('key' in user) expect(/^[0-9a-f]{32}$/.test(user.key), `key ${user.key}`);
    else expect(user.password !== '', 'a user without password');
  }
  for (const { line, message } of faults) {
    notice(formOfLine(message));
    expectCleanLine(message);
    const [name = '', ...rest] = (lines[line - 1] ?? '').split(':');
    const password = rest.join(':');
    expect(line >= 1 && line <= lines.length, `line ${line}`);
    expect(password.length < 8 || password.includes(name) || !message.includes(password), 'a fault repeats a password');
  }
  return 1;
}
