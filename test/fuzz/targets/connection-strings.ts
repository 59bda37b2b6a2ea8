// Fuzzes the connection strings of coturn's databases: each becomes the URL of a store that turnd takes and that holds
// what the string said, or one clean sentence that repeats nothing of it.
//
// input = which(8) text

import { mysqlUrl, postgresUrl, redisUrl } from '../../../src/coturn/connection-strings.ts';
import { parseStoreUrl } from '../../../src/store/store-url.ts';
import { mutateText } from '../mutate-text.ts';
import type { SeededRandom } from '../random.ts';
import { expect, type Notice, type Target } from '../target.ts';
import { expectCleanLine, formOfLine } from './clean-line.ts';

const TOKENS: readonly string[] = [
  ...[
    'host=',
    'ip=',
    'hostaddr=',
    'dbname=',
    'db=',
    'user=',
    'password=',
    'pwd=',
    'secret=',
    'port=',
    'p=',
    'timeout=',
  ],
  ...[
    'connect_timeout=',
    'read_timeout=',
    'sslmode=',
    'sslcert=',
    'sslkey=',
    'ssl-ca=',
    'cipher=',
    'tls=1',
    'verify=0',
  ],
  ...[
    'postgres://',
    'postgresql://u:p@h/db',
    '?',
    '&',
    '@',
    "'",
    "\\'",
    '\\',
    '\\\\',
    '"',
    ' ',
    '\t',
    '=',
    '==',
    '%',
    '/',
  ],
  ...['localhost', '127.0.0.1', '::1', '/run/x', '0', '65536', '__proto__=', 'constructor=', '\u0000', 'é', '\n', '\r'],
];

const SEEDS: readonly (readonly [number, string])[] = [
  [0, 'host=localhost dbname=coturn user=turn password=turn connect_timeout=30'],
  [0, "host='db' dbname='a b' user=turn password='it\\'s' port=5433 sslmode=require sslrootcert=/ca.pem"],
  [0, 'postgresql://turn:turn@localhost:5432/coturn?sslmode=disable&connect_timeout=3'],
  [1, 'host=localhost dbname=coturn user=turn password=turn port=3306 connect_timeout=10 read_timeout=10'],
  [1, 'host=db db=c user=u pwd=p ssl-ca=/ca.pem ssl-cert=/c.pem ssl-key=/k.pem cipher=X'],
  [2, 'ip=127.0.0.1 dbname=2 password=turn port=6379 connect_timeout=30'],
  [2, 'host=redis tls=1 cacert=/ca.pem sni=name verify=none db=0'],
];

const READERS = [
  { kind: 'postgres', read: postgresUrl },
  { kind: 'mysql', read: mysqlUrl },
  { kind: 'redis', read: redisUrl },
] as const;

/** postgresUrl, mysqlUrl and redisUrl. */
export const connectionStringsTarget: Target = {
  name: 'connection-strings',
  code: ['/src/coturn/connection-strings'],
  seeds: () => SEEDS.map(([which, text]) => Buffer.concat([Buffer.from([which]), Buffer.from(text)])),
  mutate,
  run,
};

function mutate(input: Buffer, other: Buffer, random: SeededRandom): Buffer {
  const which = random.oneIn(10) ? random.below(3) : (input[0] ?? 0);
  const text = mutateText(input.subarray(1), other.subarray(1), { tokens: TOKENS, maxLength: 400 }, random);
  return Buffer.concat([Buffer.from([which]), text]);
}

function run(input: Buffer, notice: Notice): number {
  const reader = READERS[(input[0] ?? 0) % READERS.length] ?? READERS[0];
  const text = input.toString('utf8', 1);
  const result = reader.read(text);
  if ('error' in result) {
    notice(`${reader.kind} ${formOfLine(result.error)}`);
    expectCleanLine(result.error);
    return 1;
  }
  for (const remark of result.remarks) expectCleanLine(remark);
  const parsed = parseStoreUrl(result.url, (path) => path);
  notice(`${reader.kind} ${'error' in parsed ? formOfLine(parsed.error) : parsed.value.kind} ${result.remarks.length}`);
  if ('value' in parsed) expect(parsed.value.kind === reader.kind, `became ${parsed.value.kind}`);
  else expectCleanLine(parsed.error);
  return 1;
}
