import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Test, test } from 'tap';
import { StateDirectoryError } from '../../src/errors.ts';
import { StateDirectory } from '../../src/state/state-directory.ts';

const HOLDER = fileURLToPath(import.meta.resolve('./hold-directory.js'));
const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65_534;

interface Outcome {
  readonly pid?: number;
  readonly code?: string;
  readonly message?: string;
}

interface Holder {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly outcome: Outcome;
}

/** Starts another process that opens the directory (and makes a file in it), and waits for what it says. */
async function hold(t: Test, path: string, file = '', command = [process.execPath]): Promise<Holder> {
  const [program = '', ...rest] = command;
  const child = spawn(program, [...rest, HOLDER, path, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  t.teardown(async () => {
    child.stdin.end();
    await exited;
  });
  for await (const line of createInterface(child.stdout)) return { child, outcome: JSON.parse(line) };
  throw new Error('the process said nothing');
}

/** A directory that any user can reach, which is not so for one below the project. */
function publicDirectory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'turnd-state-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  chmodSync(path, 0o777);
  return path;
}

/** Runs `action` without root's rights, which no file mode could refuse. */
async function unprivileged<T>(action: () => Promise<T>): Promise<T> {
  if (!IS_ROOT) return action();
  process.seteuid?.(NOBODY);
  try {
    return await action();
  } finally {
    process.seteuid?.(0);
  }
}

async function openError(path: string): Promise<StateDirectoryError> {
  try {
    await (await StateDirectory.open(path)).close();
  } catch (error) {
    if (error instanceof StateDirectoryError) return error;
    throw error;
  }
  throw new Error(`${path} was opened`);
}

test('a directory is made with its parents, for its user only', async (t) => {
  const path = join(t.testdir(), 'a', 'b');
  const state = await StateDirectory.open(path);
  t.teardown(() => state.close());
  t.equal(state.path, path);
  t.equal(statSync(path).mode & 0o777, 0o700);
});

test('a second process is refused and told by whom, the first keeps the directory', async (t) => {
  const path = t.testdir();
  const first = await hold(t, path);
  t.equal(first.outcome.pid, first.child.pid);
  for (let attempt = 0; attempt < 2; attempt++) {
    const error = await openError(path);
    t.equal(error.code, 'TURN_STATE_LOCKED');
    t.ok(error.message.includes(path), 'names the directory');
    t.ok(error.message.includes(`process ${first.child.pid})`), 'names the process');
  }
});

test('a directory cannot be opened twice in one process', async (t) => {
  const path = t.testdir();
  const state = await StateDirectory.open(path);
  t.equal((await openError(path)).code, 'TURN_STATE_LOCKED');
  await state.close();
  await state.close();
  const again = await StateDirectory.open(path);
  await again.close();
  t.same(readdirSync(path), [], 'nothing is left');
});

test('after kill -9 of its holder a directory opens again', async (t) => {
  const path = t.testdir();
  const first = await hold(t, path);
  const exited = once(first.child, 'exit');
  first.child.kill('SIGKILL');
  await exited;
  t.equal(readdirSync(path).length, 1, 'the lock of the dead process is there');
  const second = await hold(t, path);
  t.equal(second.outcome.pid, second.child.pid);
  t.equal(readdirSync(path).length, 1, 'and has been cleared away');
  t.equal((await openError(path)).code, 'TURN_STATE_LOCKED');
});

test('a holder that is stopped still holds', async (t) => {
  const path = t.testdir();
  const first = await hold(t, path);
  first.child.kill('SIGSTOP');
  t.teardown(() => first.child.kill('SIGCONT'));
  t.equal((await openError(path)).code, 'TURN_STATE_LOCKED');
});

test('of processes that start at once on a dead lock, one gets the directory', async (t) => {
  const path = t.testdir();
  const dead = await hold(t, path);
  const exited = once(dead.child, 'exit');
  dead.child.kill('SIGKILL');
  await exited;
  const holders = await Promise.all([hold(t, path), hold(t, path), hold(t, path)]);
  const codes = holders.map(({ outcome }) => outcome.code ?? 'held').sort();
  t.same(codes, ['TURN_STATE_LOCKED', 'TURN_STATE_LOCKED', 'held']);
});

test('of many openings at once one succeeds', async (t) => {
  const path = t.testdir();
  const openings = await Promise.allSettled(Array.from({ length: 10 }, () => StateDirectory.open(path)));
  const opened = openings.flatMap((opening) => (opening.status === 'fulfilled' ? [opening.value] : []));
  t.equal(opened.length, 1);
  await Promise.all(opened.map((state) => state.close()));
  t.same(readdirSync(path), []);
});

test('a path too long for a socket address works', async (t) => {
  const path = join(t.testdir(), 'd'.repeat(150));
  const state = await StateDirectory.open(path);
  t.equal((await openError(path)).code, 'TURN_STATE_LOCKED');
  await state.close();
  t.same(readdirSync(path), []);
});

test('a lock that another user has left is seen to be dead', async (t) => {
  const path = publicDirectory(t);
  // Two users where the tests run as root, else the same one twice.
  const first = await hold(t, path);
  const exited = once(first.child, 'exit');
  first.child.kill('SIGKILL');
  await exited;
  await unprivileged(async () => {
    const state = await StateDirectory.open(path);
    await state.close();
  });
  t.same(readdirSync(path), []);
});

test('what is not a directory is said to be none', async (t) => {
  const base = t.testdir({ file: 'text' });
  const error = await openError(join(base, 'file'));
  t.equal(error.code, 'TURN_STATE_DIRECTORY');
  t.match(error.message, 'file is not a directory:');
  t.equal(readFileSync(join(base, 'file'), 'utf8'), 'text');
  t.match((await openError(join(base, 'file', 'below'))).message, 'cannot be made (a part of the path is not a');
  symlinkSync('nowhere', join(base, 'dangling'));
  t.equal((await openError(join(base, 'dangling'))).code, 'TURN_STATE_DIRECTORY');
});

test('a directory that cannot be written to is refused with the reason', async (t) => {
  const path = publicDirectory(t);
  chmodSync(path, 0o555);
  const error = await unprivileged(() => openError(path));
  t.equal(error.code, 'TURN_STATE_DIRECTORY');
  t.ok(error.message.includes(`${path} cannot be written to (permission denied)`), error.message);
});

test('a directory that cannot be made is refused with the reason', async (t) => {
  const parent = publicDirectory(t);
  chmodSync(parent, 0o555);
  const error = await unprivileged(() => openError(join(parent, 'state')));
  t.equal(error.code, 'TURN_STATE_DIRECTORY');
  t.ok(error.message.includes(`${join(parent, 'state')} cannot be made (permission denied)`), error.message);
});

const NO_PROC = process.platform === 'linux' ? false : 'only Linux has a /proc where nothing can be made';

test('a directory that the file system refuses to know ends in an error, not in a loop', {
  skip: NO_PROC,
}, async (t) => {
  const error = await openError('/proc/turnd/state');
  t.equal(error.code, 'TURN_STATE_DIRECTORY');
  t.match(error.message, '/proc/turnd/state cannot be made (no such file or directory)');
});

test('a file that cannot be written is named with the reason, and no part of it stays', async (t) => {
  const path = t.testdir();
  // No file may grow at all: a full disk, but for the name of the error. Standard output is a pipe, and the test
  // runner's hooks are left out because they write files.
  const command = ['sh', '-c', 'ulimit -f 0 && unset NODE_OPTIONS && exec "$@"', 'sh', process.execPath];
  const { outcome } = await hold(t, path, 'nonce-key', command);
  t.equal(outcome.code, 'TURN_STATE_DIRECTORY');
  t.ok(outcome.message?.includes(`${join(path, 'nonce-key')} cannot be written: EFBIG`), outcome.message ?? '');
  t.same(
    readdirSync(path).filter((name) => !name.startsWith('lock-')),
    [],
  );
});

test('a file is made once, for its user only, and read after that', async (t) => {
  const path = t.testdir();
  const first = await StateDirectory.open(path);
  t.equal(first.readOrCreate('key', () => Buffer.from('made')).toString(), 'made');
  t.equal(first.readOrCreate('key', () => Buffer.from('made again')).toString(), 'made');
  await first.close();
  t.equal(statSync(join(path, 'key')).mode & 0o777, 0o600);
  t.same(readdirSync(path), ['key']);
  const second = await StateDirectory.open(path);
  t.equal(second.readOrCreate('key', () => Buffer.from('made again')).toString(), 'made');
  await second.close();
});

test('a file that cannot be read is named with the reason, and not replaced', async (t) => {
  const path = t.testdir({ key: {} });
  const state = await StateDirectory.open(path);
  t.teardown(() => state.close());
  t.throws(() => state.readOrCreate('key', () => Buffer.from('made')), {
    code: 'TURN_STATE_DIRECTORY',
    message: `the state file ${join(path, 'key')} cannot be read: it is a directory`,
  });
});

test('what a crash has left of a write is cleared away, other files are not', async (t) => {
  const path = t.testdir();
  writeFileSync(join(path, '.0123456789abcdef.tmp'), 'half');
  writeFileSync(join(path, 'mine.tmp'), 'whole');
  const state = await StateDirectory.open(path);
  await state.close();
  t.same(readdirSync(path), ['mine.tmp']);
});

/** Beside the lock. */
function filesIn(path: string): string[] {
  return readdirSync(path).filter((name) => !name.startsWith('lock-'));
}

test('a file is replaced as a whole and for its owner alone, and one that is not there is none', async (t) => {
  const path = t.testdir();
  const state = await StateDirectory.open(path);
  t.teardown(() => state.close());
  t.equal(state.read('names'), null);
  await state.replace('names', Buffer.from('first'));
  await state.replace('names', Buffer.from('second'));
  t.equal(state.read('names')?.toString(), 'second');
  t.equal(statSync(join(path, 'names')).mode & 0o777, 0o600);
  t.same(filesIn(path), ['names']);
  await state.replace('names', Buffer.alloc(0));
  t.equal(state.read('names')?.length, 0);
});

test('a file that cannot be replaced is named, and nothing is left of the try', async (t) => {
  const path = t.testdir({ names: { full: '' } });
  const state = await StateDirectory.open(path);
  t.teardown(() => state.close());
  await t.rejects(state.replace('names', Buffer.from('x')), {
    code: 'TURN_STATE_DIRECTORY',
    message: new RegExp(`^the state file ${join(path, 'names')} cannot be written: `),
  });
  t.throws(() => state.read('names'), { message: /cannot be read: it is a directory/ });
  t.same(filesIn(path), ['names']);
});
