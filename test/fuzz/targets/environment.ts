// Fuzzes the environment: whatever variables hold, there is a Config or a list of faults, one line each, and a variable
// of ours that is none is named.
//
// input = lines `NAME=value`

import { jsonSchema, listKeys } from '../../../src/config/keys.ts';
import { parse } from '../../config/parse.ts';
import { mutateText } from '../mutate-text.ts';
import { expect, type Notice, type Target } from '../target.ts';
import { expectCleanLine, formOfLine } from './clean-line.ts';

const VARIABLES: readonly string[] = listKeys(jsonSchema()).map(({ variable }) => variable);
const OWN = /^TURND_(?:CONFIG|TEST_.*)$/;

const TOKENS: readonly string[] = [
  ...VARIABLES.flatMap((name) => [`\n${name}=`, `\n${name}_FILE=/run/secret`]),
  ...['\nTURND_', '\nTURND__', '__', '_FILE', '=', ',', '[', ']', '{', '}', '"', ':', 'true', 'false', '-1', '1e400'],
  ...['udp://*:3478', 'tls://[::]:5349', '10.0.0.0/8', '{"value":"x"}', '[{"name":"a","password":"b"}]', 'null', '0'],
  ...['49152-65535', 'auto', 'none', '\u0000', '\u001b[2J', '/run/secret', '/nowhere', 'sqlite:x', '__proto__'],
];

/** parseConfig on an environment. */
export const environmentTarget: Target = {
  name: 'environment',
  code: ['/src/config/'],
  seeds: () =>
    VARIABLES.flatMap((name, index) =>
      [index % 2 === 0 ? '1' : '[1,{"a":null}]'].map((value) => Buffer.from(`${name}=${value}`)),
    ),
  mutate: (input, other, random) => mutateText(input, other, { tokens: TOKENS, maxLength: 1000 }, random),
  run,
};

function run(input: Buffer, notice: Notice): number {
  const env = Object.create(null) as Record<string, string>;
  for (const line of input.toString('utf8').split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) env[line.slice(0, at)] = line.slice(at + 1);
  }
  const result = parse({ env, files: { '/run/secret': 'another secret' } });
  notice(`ok ${result.ok}`);
  const lines = result.ok ? result.warnings : result.errors;
  for (const line of lines) {
    expectCleanLine(line);
    notice(formOfLine(line));
  }
  expect(result.ok || lines.length > 0, 'refused without a reason');
  for (const [name, value] of Object.entries(env)) {
    const isOurs = VARIABLES.includes(name) || VARIABLES.includes(name.replace(/_FILE$/, '')) || OWN.test(name);
    if (!name.startsWith('TURND_') || isOurs || value === '') continue;
    expect(!result.ok, `${name} is passed over in silence`);
  }
  return 1;
}
