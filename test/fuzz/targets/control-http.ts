// Fuzzes the control API as bytes: what a local process may write to its Unix socket, through Node's HTTP parser. The
// connection ends, what was answered is HTTP, and the next client is served.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openControlSocket } from '../../../src/control/control-socket.ts';
import { FAKE_NOW, fakeControl } from '../../support/fake-control.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import { mutateText } from '../mutate-text.ts';
import type { SeededRandom } from '../random.ts';
import { expect, type Notice, type Target } from '../target.ts';

/** openControlSocket. */
export const controlHttpTarget: Target = { name: 'control-http', code: ['/src/control/'], seeds, mutate, run };

const TOKENS: readonly string[] = [
  ...[
    'GET ',
    'POST ',
    'PUT ',
    'DELETE ',
    'CONNECT ',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ' HTTP/1.1\r\n',
    ' HTTP/1.0\r\n',
  ],
  ...[
    '/v1/status',
    '/v1/realms/r/users',
    'http://x/v1/status',
    '*',
    '//',
    '/%',
    '?',
    '#',
    'Host: turnd\r\n',
    'Host:\r\n',
  ],
  ...['Content-Length: 2\r\n', 'Content-Length: 99999\r\n', 'Content-Length: -1\r\n', 'Transfer-Encoding: chunked\r\n'],
  ...[
    'Content-Type: application/json\r\n',
    'Expect: 100-continue\r\n',
    'Upgrade: websocket\r\nConnection: upgrade\r\n',
  ],
  ...[
    'Connection: close\r\n',
    '\r\n',
    '\r\n\r\n',
    '0\r\n\r\n',
    '5;x=y\r\nhello\r\n',
    'ffffffff\r\n',
    '{}',
    '\0',
    '\x80',
    '\r',
  ],
];

const SEEDS: readonly string[] = [
  'GET /v1/status HTTP/1.1\r\nHost: turnd\r\n\r\n',
  'POST /v1/realms/r/users HTTP/1.1\r\nHost: turnd\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n{"name":"alice","password":"s3cret-Pass"}',
  'POST /v1/reload HTTP/1.1\r\nHost: turnd\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
  'GET /v1/users HTTP/1.0\r\n\r\n',
  'CONNECT turnd:443 HTTP/1.1\r\nHost: turnd\r\n\r\n',
  'GET /v1/status HTTP/1.1\r\nHost: turnd\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: turnd\r\nExpect: 100-continue\r\n\r\n',
];

function seeds(): Buffer[] {
  return SEEDS.map((text) => Buffer.from(text, 'latin1'));
}

function mutate(input: Buffer, other: Buffer, random: SeededRandom): Buffer {
  if (random.oneIn(4)) return mutateBytes(input, other, random);
  return mutateText(input, other, { tokens: TOKENS, maxLength: 4000 }, random);
}

async function run(input: Buffer, notice: Notice): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-fuzz-'));
  const path = join(directory, 's');
  const reported: unknown[] = [];
  const report = (error: unknown): void => void reported.push(error);
  const socket = await openControlSocket({ path, control: fakeControl(), report, now: () => FAKE_NOW });
  try {
    const answers = await talk(path, input);
    checkAnswers(answers, notice);
    if (reported.length > 0) throw new Error('reported as a fault of the program', { cause: reported[0] });
    const after = await talk(path, seeds()[0] as Buffer);
    expect(after.startsWith('HTTP/1.1 200 '), 'the next client is not served');
  } finally {
    await socket.close();
    rmSync(directory, { recursive: true, force: true });
  }
  return 1;
}

// Sends everything and then the end; a request that is not whole is cut off by it.
function talk(path: string, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ path });
    socket.on('data', (chunk) => void chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.end(bytes);
  });
}

function checkAnswers(answers: string, notice: Notice): void {
  expect(answers === '' || answers.startsWith('HTTP/1.1 '), `answered ${JSON.stringify(answers.slice(0, 40))}`);
  const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  notice(`statuses ${statuses.slice(0, 3).join()}`);
  for (const detail of answers.matchAll(/"detail":"([^"]*)"/g)) notice(`${detail[1]}`.slice(0, 60));
  expect(!statuses.includes(500), 'answered 500');
}
