// Fuzzes coturn's configuration file: whatever it holds, there are settings or faults, each one clean line that names its
// line, and no line that sets something is passed over in silence (S32).

import { suggest } from '../../../src/config/suggest.ts';
import { type CoturnImport, importCoturn } from '../../../src/coturn/import-coturn.ts';
import { parse } from '../../config/parse.ts';
import { mutateText } from '../mutate-text.ts';
import { expect, type Notice, type Target } from '../target.ts';
import { expectCleanLine, formOfLine } from './clean-line.ts';
import { coturnOptions } from './coturn-options.ts';

const OPTIONS = coturnOptions();

/** Whose every line counts, and is a value that an operator relies on. */
const CRITICAL: readonly string[] = ['denied-peer-ip', 'allowed-peer-ip', 'user', 'static-auth-secret', 'listening-ip'];

const VALUES: readonly string[] = [
  ...[
    '10.0.0.0-10.255.255.255',
    '10.0.0.0/8',
    '::1',
    '0.0.0.0',
    '2001:db8::-2001:db8::ff',
    'eth0',
    '*',
    '3478',
    '65536',
  ],
  ...[
    '1.2.3.4/10.0.0.1',
    'alice:pw',
    'alice:0x00112233445566778899aabbccddeeff',
    ':',
    'north.example.org',
    '49152',
    '0',
  ],
  ...['/etc/ssl/cert.pem', '"quoted"', '"', ' # comment', ';', 'true', 'off', '-1', '99999999999999999999', '1e3', 'é'],
  ...[
    'host=localhost dbname=coturn user=turn password=turn',
    'ip=127.0.0.1 dbname=2',
    'a'.repeat(1030),
    '\u0000',
    '\u001b[',
  ],
];
const TOKENS: readonly string[] = [
  ...OPTIONS.flatMap((name) => [`\n${name}`, `\n${name}=`]),
  ...VALUES.flatMap((value) => [value, `=${value}`]),
  ...['\n', '\n#', '\r\n', '=', ' = ', '\t', '--', '-L ', '\ufeff', '\v', 'constructor', '\n__proto__=x'],
];

const SEEDS: readonly string[] = [
  'listening-port=3478\ntls-listening-port=5349\nlistening-ip=0.0.0.0\nexternal-ip=203.0.113.1/10.0.0.1\nfingerprint\n',
  'lt-cred-mech\nuser=alice:s3cret-Pass\nrealm=example.org\nmin-port=50000\nmax-port=51000\nno-cli\nno-tlsv1\n',
  'use-auth-secret\nstatic-auth-secret=north\ndenied-peer-ip=10.0.0.0-10.255.255.255\nallowed-peer-ip=10.1.2.3\n',
  'cert=/etc/ssl/cert.pem\npkey=/etc/ssl/key.pem\npkey-pwd=x\nlog-file=/var/log/turn.log\nsimple-log\nverbose\n',
  'psql-userdb="host=localhost dbname=coturn user=turn password=turn"\nredis-statsdb="ip=127.0.0.1 dbname=2"\n',
];

/** importCoturn, and parseConfig on the same text. */
export const coturnConfigTarget: Target = {
  name: 'coturn-config',
  code: ['/src/coturn/'],
  seeds: () => [...SEEDS, ...OPTIONS.map((name) => `${name}=1\n`)].map((text) => Buffer.from(text)),
  mutate: (input, other, random) => mutateText(input, other, { tokens: TOKENS, maxLength: 4096 }, random),
  run,
};

function run(input: Buffer, notice: Notice): number {
  const text = input.toString('utf8');
  const host = { cwd: '/cwd', exists: (path: string) => path.startsWith('/etc/ssl/') };
  const result = importCoturn(text, host, suggest);
  const lines = text.replace(/^\ufeff/, '').split('\n');
  for (const { line, option, message } of [...result.faults, ...result.warnings, ...result.notes]) {
    expect(line === null || (line >= 1 && line <= lines.length), `line ${line} of ${lines.length}`);
    expectCleanLine(`${option} ${message}`);
    notice(`${option}: ${formOfLine(message)}`);
  }
  for (const { path } of result.settings) notice(`sets ${path.join('.')}`);
  for (const [index, line] of lines.entries()) checkLine(line, index + 1, result);
  checkConfig(text, notice);
  return 1;
}

// What coturn would read of a line, by its manual: a name up to a blank or `=`.
function checkLine(raw: string, line: number, result: CoturnImport): void {
  const name = /^[ \t\v\f\r]*([^#=\s][^ =\t]*)/.exec(raw)?.[1]?.replace(/[\v\f\r]+$/, '') ?? '';
  if (name === '') return;
  const isSpokenOf = [...result.faults, ...result.warnings].some((remark) => remark.line === line);
  if (!OPTIONS.includes(name))
    return expect(isSpokenOf || /^[ \t\v\f\r]*$/.test(raw), `line ${line}: ${name} is passed over`);
  const isUsed = result.settings.some(({ sources }) => sources.some((source) => source.line === line));
  if (CRITICAL.includes(name)) expect(isUsed || isSpokenOf, `line ${line}: ${name} is passed over`);
}

function checkConfig(text: string, notice: Notice): void {
  const result = parse({ yaml: text, files: { '/etc/ssl/cert.pem': 'x', '/etc/ssl/key.pem': 'x' } });
  notice(`config ${result.ok}`);
  const lines = result.ok ? result.warnings : result.errors;
  for (const line of lines) expectCleanLine(line);
  expect(result.ok || lines.length > 0, 'refused without a reason');
}
