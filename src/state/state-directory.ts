// The state directory: exclusive to one process, private to its user. Owns how files get there whole; what is in them
// is others' business. What happens at start may block; what a running server writes does not.

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { describeSystemError, StateDirectoryError } from '../errors.ts';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';

const TEMPORARY_NAME = /^\.[0-9a-f]{16}\.tmp$/;

/** A state directory that this process holds. */
export class StateDirectory {
  /** Its absolute path. */
  readonly path: string;
  readonly #lock: DirectoryLock;

  private constructor(path: string, lock: DirectoryLock) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Makes the directory (mode 0700) where it does not exist, checks that it can be written to, and locks it.
   * @throws StateDirectoryError `TURN_STATE_LOCKED` when another process holds it, else `TURN_STATE_DIRECTORY`
   */
  static async open(path: string): Promise<StateDirectory> {
    const absolute = resolve(path);
    prepare(absolute);
    // The lock is made of a file, so this is the check for being writable as well.
    const lock = await lockDirectory(absolute).catch((error: unknown) => {
      throw unusable(absolute, 'cannot be written to', error);
    });
    if ('pid' in lock) throw locked(absolute, lock.pid);
    removeTemporaries(absolute);
    return new StateDirectory(absolute, lock);
  }

  /**
   * The content of a file, which is first made of `make()` (mode 0600) where it does not exist. It is written whole or
   * not at all, and lasts when this returns.
   * @throws StateDirectoryError when it can be neither read nor written
   */
  readOrCreate(name: string, make: () => Buffer): Buffer {
    const found = this.read(name);
    if (found !== null) return found;
    const content = make();
    this.#write(join(this.path, name), content);
    return content;
  }

  /** The content of a file; null if there is none. @throws StateDirectoryError when it cannot be read */
  read(name: string): Buffer | null {
    const path = join(this.path, name);
    try {
      return readFileSync(path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw fileFault(path, 'read', error);
    }
  }

  /**
   * Gives a file new content (mode 0600), whole or not at all; it lasts when the promise resolves. One call at a time for
   * the same file. Rejects with a StateDirectoryError.
   */
  async replace(name: string, content: Buffer): Promise<void> {
    const path = join(this.path, name);
    const temporary = this.#temporary();
    try {
      await writeWhole(temporary, content);
      await rename(temporary, path);
      syncDirectory(this.path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw fileFault(path, 'written', error);
    }
  }

  /** Gives the directory back. Idempotent. */
  close(): Promise<void> {
    return this.#lock.release();
  }

  #write(path: string, content: Buffer): void {
    const temporary = this.#temporary();
    try {
      writeFileSync(temporary, content, { mode: 0o600, flag: 'wx', flush: true });
      renameSync(temporary, path);
      syncDirectory(this.path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw fileFault(path, 'written', error);
    }
  }

  #temporary(): string {
    return join(this.path, `.${randomBytes(8).toString('hex')}.tmp`);
  }
}

async function writeWhole(path: string, content: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The error for a file of the state directory whose content makes no sense. */
export function damagedFile(state: StateDirectory, name: string): StateDirectoryError {
  return new StateDirectoryError(
    'TURN_STATE_DIRECTORY',
    `the state file ${join(state.path, name)} is damaged: restore it, or remove it to have a new one made`,
  );
}

function prepare(path: string): void {
  try {
    makeDirectory(path);
  } catch (error) {
    // An existing directory is no error, so what exists is something else.
    throw unusable(path, codeOf(error) === 'EEXIST' ? 'is not a directory' : 'cannot be made', error);
  }
}

/**
 * As mkdir -p, mode 0700. Node's own `recursive` tries for ever where mkdir() says ENOENT below a directory that exists
 * (/proc).
 */
function makeDirectory(path: string): void {
  const parent = dirname(path);
  if (!existsSync(parent)) makeDirectory(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // It was there, or another process was faster.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/** What a crash has left behind in the middle of a write. Nobody else writes here now. */
function removeTemporaries(path: string): void {
  for (const name of readdirSync(path)) {
    if (TEMPORARY_NAME.test(name)) rmSync(join(path, name), { force: true });
  }
}

/** Makes a rename last. Not every system can do it for a directory; then the file system has to see to it. */
function syncDirectory(path: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function unusable(path: string, what: string, error: unknown): StateDirectoryError {
  const why = codeOf(error) === 'EEXIST' ? '' : ` (${describeSystemError(error)})`;
  return new StateDirectoryError(
    'TURN_STATE_DIRECTORY',
    `the state directory ${path} ${what}${why}: name another one with --state-dir, or mend its owner and mode`,
    error,
  );
}

function locked(path: string, pid: number): StateDirectoryError {
  return new StateDirectoryError(
    'TURN_STATE_LOCKED',
    `the state directory ${path} is in use by another turnd (process ${pid}): stop that one, or name another directory with --state-dir`,
  );
}

function fileFault(path: string, what: 'read' | 'written', error: unknown): StateDirectoryError {
  return new StateDirectoryError(
    'TURN_STATE_DIRECTORY',
    `the state file ${path} cannot be ${what}: ${describeSystemError(error)}`,
    error,
  );
}
