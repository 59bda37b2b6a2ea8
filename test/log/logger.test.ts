// The log: one record is one line whatever it holds, secrets are hidden, and no destination stops the process.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { FaultLog } from '../../src/log/fault-log.ts';
import { hideAddresses, type ShowAddress } from '../../src/log/hidden-addresses.ts';
import { shareOfLines } from '../../src/log/line-budget.ts';
import { makeLogger } from '../../src/log/logger.ts';
import { makePrettyFormatter } from '../../src/log/pretty-format.ts';
import { type LogOptions, openLog } from '../../src/log/server-log.ts';
import { fillUp, mountSmallDisk, NO_TMPFS } from '../support/small-disk.ts';

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

/** Looks again and again; the runner's time limit ends it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

function parsed(line: string): Record<string, unknown>[] {
  try {
    return [JSON.parse(line) as Record<string, unknown>];
  } catch {
    return [];
  }
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

test('S54 a flood of faults is a few lines and a number', async (t) => {
  const lines: unknown[] = [];
  const clock = { now: 0 };
  const due: (() => void)[] = [];
  const faults = new FaultLog({
    logger: makeLogger('info', null, (line) => lines.push(JSON.parse(line))),
    message: 'a datagram failed',
    rate: shareOfLines(4, 1),
    now: () => clock.now,
    after: (milliseconds, act) => {
      t.equal(milliseconds, 1000);
      return due.push(act);
    },
  });
  for (let i = 0; i < 10_000; i++) faults.report(new Error('why'));
  t.equal(lines.length, 3);
  t.match(lines[0], { level: 'error', event: 'fault', msg: 'a datagram failed', err: { message: 'why' } });
  clock.now = 999;
  due.shift()?.();
  t.equal(lines.length, 3, 'the second is not over');
  clock.now = 1000;
  due.shift()?.();
  t.match(lines[3], { event: 'fault-suppressed', suppressed: 9_997, msg: '9997 times more: a datagram failed' });
  t.equal(due.length, 0, 'no timer without need');
  faults.report('not even an error');
  t.equal(lines.length, 5);
});

test('S54 processes share what may be logged in a second', async (t) => {
  for (const processes of [1, 2, 3, 4, 5, 8, 32, 250]) {
    const { lines, window } = shareOfLines(10, processes);
    t.ok(lines >= 1);
    t.ok(((lines + 1) * processes * 1000) / window <= 10.000_001, `${processes} processes, with the line of the rest`);
  }
  t.same(shareOfLines(10, 1), { lines: 9, window: 1000 });
});

test('S65 a hidden address is the same for the same address and key, and no key is the other', async (t) => {
  const [one, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)].map(hideAddresses) as [ShowAddress, ShowAddress];
  t.match(one('192.0.2.1'), /^ip-[0-9a-f]{12}$/);
  t.equal(one('192.0.2.1'), hideAddresses(Buffer.alloc(32, 1))('192.0.2.1'));
  const all = [one('192.0.2.1'), one('192.0.2.2'), one('2001:db8::1'), other('192.0.2.1')];
  t.equal(new Set(all).size, 4);
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

test('R25 lines that were lost are counted in one line once there is room again', { skip: NO_TMPFS }, async (t) => {
  const disk = mountSmallDisk(t);
  const file = join(disk, 'turnd.log');
  const log = openLog({ level: 'info', format: 'json', file, isTerminal: false });
  log.logger.info('first');
  await until(() => readFileSync(file, 'utf8').includes('first'));
  const rest = join(disk, 'rest');
  fillUp(rest);
  // Half a page is left in the last page of the log: a line of more breaks off.
  for (let i = 0; i < 20; i++) log.logger.info({ i, filler: 'x'.repeat(1000) }, 'lost');
  await until(() => log.lost > 0);
  rmSync(rest);
  const before = log.lost;
  log.logger.info('there is room');
  await until(() => readFileSync(file, 'utf8').includes('log-lost'));
  t.equal(await log.close(), true);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const records = lines.flatMap((line) => parsed(line));
  t.ok(lines.length - records.length <= 1, 'at most the line that broke off is no record');
  t.match(records.at(0), { msg: 'first' });
  t.match(records.slice(-2), [
    { msg: 'there is room' },
    { level: 'warn', event: 'log-lost', lost: before, msg: `${before} lines of the log were lost` },
  ]);
  t.equal(records.filter(({ msg }) => msg === 'lost').length + before, 20, 'each line is there or counted');
});

test('R25 a reader that reads on after it had stopped is told how many lines were lost', async (t) => {
  const child = spawn(process.execPath, [CHILD, '8000', 'wait'], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  // Its last word before it waits: all 8000 lines were written or lost.
  const [words] = (await once(child.stderr, 'data')) as [Buffer];
  const lost = Number(words.toString());
  t.ok(lost > 0);
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.includes('log-lost')) break;
  }
  t.match(JSON.parse(lines.at(-1) ?? ''), { event: 'log-lost', lost });
  t.ok(lines.length - 1 + lost <= 8000);
});
