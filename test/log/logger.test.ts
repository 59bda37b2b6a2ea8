// The log: one record is one line whatever it holds, secrets are hidden, and no destination stops the process.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { type LogOptions, openLog } from '../../src/log/logger.ts';
import { makePrettyFormatter } from '../../src/log/pretty-format.ts';

const CHILD = fileURLToPath(new URL('./log-child.js', import.meta.url));
const HOSTILE = [
  'a\r\nb',
  '\u001b[31mred\u001b[0m',
  'nul\0nul',
  'line\u2028paragraph\u2029end',
  'c1 \u009b31m \u0085 del \u007f',
  '"}{"level":"fatal"',
  '\\"},\\n',
  'bidi \u202egnp.exe zero\u200bwidth',
  'lone \ud800 surrogate',
];
// biome-ignore lint/suspicious/noControlCharactersInRegex: these must not reach a log
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202e\u200b\ud800]/;

/** Logs to a new file and returns what stands in it. */
async function logged(dir: string, format: LogOptions['format'], write: (log: ReturnType<typeof openLog>) => void) {
  const file = join(dir, `${format}.log`);
  const log = openLog({ level: 'trace', format, file, isTerminal: true });
  write(log);
  await log.close();
  return readFileSync(file, 'utf8');
}

test('S56: hostile text makes exactly one parseable JSON record each, and keeps its value', async (t) => {
  const content = await logged(t.testdir(), 'json', ({ logger }) => {
    for (const user of HOSTILE) logger.warn({ user, [user]: 1, realm: user, deep: { user } }, user);
  });
  t.notMatch(content, UNSAFE);
  const records = content
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.equal(records.length, HOSTILE.length);
  for (const [index, user] of HOSTILE.entries())
    t.match(records[index], { level: 'warn', user, msg: user, deep: { user } });
});

test('S56: hostile text makes one line each in the pretty format too', async (t) => {
  const content = await logged(t.testdir(), 'pretty', ({ logger }) => {
    for (const user of HOSTILE) logger.warn({ user, [user]: 1, realm: user, deep: { user } }, user);
  });
  t.notMatch(content, UNSAFE);
  const lines = content.trimEnd().split('\n');
  t.equal(lines.length, HOSTILE.length);
  for (const line of lines) t.match(line, /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] WARN: /);
  t.match(lines[0], /a\\u000d\\u000ab/);
});

test('S56: a hostile error message cannot begin a line of its own', async (t) => {
  const content = await logged(t.testdir(), 'pretty', ({ logger }) => {
    logger.error({ err: new Error('x\n[2026-01-01 00:00:00.000] INFO: fake\n    at fake') }, 'failed');
  });
  const unindented = content
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith(' '));
  t.equal(unindented.length, 1);
});

test('S55: secrets are hidden wherever they stand in a record', async (t) => {
  for (const format of ['json', 'pretty'] as const) {
    const content = await logged(t.testdir(), format, ({ logger }) => {
      for (const key of ['password', 'secret', 'secrets', 'key', 'ha1', 'passphrase', 'token', 'authorization']) {
        logger.info({ [key]: 'CANARY', a: { [key]: ['CANARY'], b: { [key]: { c: 'CANARY' } } } }, 'message');
        logger.child({ [key]: 'CANARY' }).info('child');
      }
    });
    t.notMatch(content, /CANARY/, format);
    t.match(content, /message/);
  }
});

test('records carry time and level by name, and nothing of host or process', async (t) => {
  const content = await logged(t.testdir(), 'json', ({ logger }) => logger.info('hello'));
  const record = JSON.parse(content) as Record<string, unknown>;
  t.same(Object.keys(record), ['level', 'time', 'msg']);
  t.match(record, { level: 'info', time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, msg: 'hello' });
});

test('auto is JSON in a file even when a terminal is there', async (t) => {
  const content = await logged(t.testdir(), 'auto', ({ logger }) => logger.info('hello'));
  t.match(JSON.parse(content), { msg: 'hello' });
});

test('the pretty format has colours only when asked for', async (t) => {
  const line = '{"level":"info","time":"2026-11-20T21:48:16.057Z","msg":"hello","n":1}\n';
  t.equal(makePrettyFormatter(false)(line), '[2026-11-20 21:48:16.057] INFO: hello {"n":1}\n');
  t.match(makePrettyFormatter(true)(line), '\u001b[3');
});

test('after a rotation, reopen writes to a new file of the same name; the mode lets no stranger read', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'turnd.log');
  const log = openLog({ level: 'info', format: 'json', file, isTerminal: false });
  log.logger.info('one');
  renameSync(file, join(dir, 'old.log'));
  log.reopen();
  log.logger.info('two');
  t.equal(await log.close(), true);
  t.match(readFileSync(join(dir, 'old.log'), 'utf8'), /"one"/);
  t.match(readFileSync(file, 'utf8'), /"two"/);
  t.notMatch(readFileSync(file, 'utf8'), /"one"/);
  t.equal(statSync(file).mode & 0o007, 0);
});

test('when reopening fails, lines still go to the old file', async (t) => {
  const dir = t.testdir({ sub: {} });
  const log = openLog({ level: 'info', format: 'json', file: join(dir, 'sub', 'turnd.log'), isTerminal: false });
  renameSync(join(dir, 'sub'), join(dir, 'moved'));
  log.reopen();
  log.logger.info('still here');
  await log.close();
  t.match(readFileSync(join(dir, 'moved', 'turnd.log'), 'utf8'), /still here/);
});

test('a log file that cannot be opened is one sentence', async (t) => {
  const file = join(t.testdir(), 'gone', 'turnd.log');
  const open = () => openLog({ level: 'info', format: 'json', file, isTerminal: false });
  t.throws(open, { code: 'TURN_LOG_FILE', message: `log.file: cannot open ${file}: no such file or directory` });
});

test('lines after close are dropped, close and reopen may be repeated', async (t) => {
  const file = join(t.testdir(), 'turnd.log');
  const log = openLog({ level: 'info', format: 'json', file, isTerminal: false });
  await log.close();
  log.logger.info('late');
  log.reopen();
  t.equal(await log.close(), true);
  t.equal(readFileSync(file, 'utf8'), '');
});

const NO_DEV_FULL = existsSync('/dev/full') ? false : 'there is no /dev/full on this system';

test('a full disk costs lines and nothing else', { skip: NO_DEV_FULL }, async (t) => {
  const log = openLog({ level: 'info', format: 'json', file: '/dev/full', isTerminal: false });
  log.logger.info('lost');
  t.equal(await log.close(), true);
  t.equal(log.lost, 1);
});

/** Starts the child in a shell, its output redirected as `redirection` says, and returns its status and last words. */
async function runChild(lines: number, redirection: string) {
  const command = `"${process.execPath}" "${CHILD}" ${lines} ${redirection}`;
  const child = spawn('bash', ['-c', `set -o pipefail; ${command}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'exit');
  const words = await text(child.stderr);
  const [status] = await closed;
  child.stdout.destroy();
  return { status, ...(JSON.parse(words) as { isDrained: boolean; lost: number }) };
}

test('a reader that has stopped costs lines; the process goes on and ends', async (t) => {
  // Node gives the child a socket; a FIFO comes from the shell.
  for (const redirection of ['', '> >(exec sleep 30 2>&-)']) {
    const { status, isDrained, lost } = await runChild(8000, redirection);
    t.equal(status, 0);
    t.equal(isDrained, false, 'some lines could not be written');
    t.ok(lost > 0, 'memory is bounded');
  }
});

test('a reader that is gone, and a full disk as standard output, end nothing', { skip: NO_DEV_FULL }, async (t) => {
  t.match(await runChild(100, '> >(:)'), { status: 0, isDrained: true });
  t.match(await runChild(100, '> /dev/full'), { status: 0, isDrained: true, lost: 100 });
});
