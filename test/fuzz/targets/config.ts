// Fuzzes the configuration: whatever a file holds, there is a Config or a list of faults, one line each.

import { readFileSync } from 'node:fs';
import { listKeys } from '../../../src/config/keys.ts';
import { parse } from '../../config/parse.ts';
import { projectRoot } from '../../support/vectors.ts';
import { mutateText } from '../mutate-text.ts';
import { expect, type Notice, type Target } from '../target.ts';

const TOKENS: readonly string[] = [
  ...listKeys().flatMap(({ path }) => [...path, `${path.at(-1)}: `, `\n${path.join(':\n  ')}: `]),
  ...[
    '&a ',
    '*a',
    '<<: *a',
    '!!str ',
    '!!binary ',
    '!x',
    '%YAML 1.1\n',
    '---\n',
    '...\n',
    '? ',
    '- ',
    ': ',
    '|\n',
    '>-\n',
    '#',
  ],
  ...[
    'null',
    '~',
    'true',
    'no',
    '0',
    '-1',
    '1e400',
    '.nan',
    '0x10',
    '0o7',
    '65536',
    '[]',
    '{}',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
  ],
  ...[
    '__proto__: ',
    'constructor: ',
    'toString',
    '\t',
    '\r\n',
    '\u0000',
    '\ufeff',
    '\\x41',
    'udp://*:3478',
    'tls://[::]',
    '::1',
  ],
];

const SEEDS: readonly string[] = [
  'realm: example.org\nlisten: [udp://*:3478, "tcp+tls://[::1]:5349"]\n',
  'auth:\n  users:\n    - {name: alice, password: s3cret-Pass}\n    - {name: bob, key: 00112233445566778899aabbccddeeff}\n',
  'auth: {secrets: [{value: "a secret"}, {value-file: /run/secret}]}\n',
  'relay: {address: [192.0.2.1, "2001:db8::1"], external-address: {ipv4: 203.0.113.1}, ports: 50000-50100}\n',
  'peers: {allow: [10.0.0.0/8], deny: ["::/0"]}\nlog: {level: debug, file: x.log}\n',
  'a: &a {b: 1}\nc: [*a, *a]\n',
];

/** parseConfig on the text of a file. */
export const configTarget: Target = {
  name: 'config',
  code: ['/src/config/'],
  seeds: () => [...SEEDS.map((text) => Buffer.from(text)), Buffer.from(exampleFile())],
  mutate: (input, other, random) => mutateText(input, other, { tokens: TOKENS, maxLength: 8192 }, random),
  run,
};

// The example with its settings in effect.
function exampleFile(): string {
  return readFileSync(new URL('conf/turnd.yaml', projectRoot), 'utf8')
    .replace(/^#(?=[^ \n]| {2})/gm, '')
    .replace(/^# .*\n/gm, '');
}

function run(input: Buffer, notice: Notice): number {
  const result = parse({ yaml: input.toString('utf8'), files: { '/run/secret': 'another secret' } });
  notice(`ok ${result.ok}`);
  if (result.ok) {
    for (const warning of result.warnings) check(warning, notice);
    return 1;
  }
  expect(result.errors.length > 0, 'refused without a reason');
  for (const error of result.errors) check(error, notice);
  return 1;
}

function check(line: string, notice: Notice): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(!/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(line), `not one clean line: ${JSON.stringify(line)}`);
  notice(
    line
      .replace(/^[^ ]*:\d+:\d+: /, '')
      .replace(/"(?:[^"\\]|\\.)*"|\d+/g, '_')
      .slice(0, 60),
  );
}
