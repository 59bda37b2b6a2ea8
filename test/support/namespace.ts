// Network namespaces of the tests: this process moves into one of its own, makes others, and steps into them for as long
// as a socket is opened or a program started there. Nothing of them outlives the process.

import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

const CLONE_NEWNET = 0x40000000;

interface Calls {
  unshare(flags: number): number;
  setns(fd: number, type: number): number;
}

type Koffi = typeof import('koffi');

async function loadCalls(): Promise<Calls> {
  const { default: koffi } = (await import('koffi')) as unknown as { readonly default: Koffi };
  const self = koffi.load(null);
  return {
    unshare: self.func('int unshare(int)') as unknown as Calls['unshare'],
    setns: self.func('int setns(int, int)') as unknown as Calls['setns'],
  };
}

/** A network namespace. A socket belongs for good to the one in which it was opened. */
export class Namespace {
  readonly #calls: Calls;
  readonly #home: number;
  readonly #fd: number;

  /**
   * Moves this process (its main thread, and what that starts) into a namespace of its own. Null where that is not
   * allowed, unless TURND_TEST_REQUIRE_ALL=1: then it throws.
   */
  static async enterOwn(): Promise<Namespace | null> {
    const { TURND_TEST_REQUIRE_ALL: requireAll } = process.env;
    try {
      const calls = await loadCalls();
      if (calls.unshare(CLONE_NEWNET) !== 0) throw new Error('a network namespace takes root');
      const home = openSync('/proc/thread-self/ns/net', 'r');
      const own = new Namespace(calls, home, home);
      own.exec('ip', 'link', 'set', 'lo', 'up');
      return own;
    } catch (error) {
      if (requireAll === '1') throw error;
      return null;
    }
  }

  private constructor(calls: Calls, home: number, fd: number) {
    this.#calls = calls;
    this.#home = home;
    this.#fd = fd;
  }

  /** Where `ip` and its like find it. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.#fd}`;
  }

  /** Another namespace beside this one, with its loopback up. */
  make(): Namespace {
    if (this.#calls.unshare(CLONE_NEWNET) !== 0) throw new Error('no further network namespace');
    const fd = openSync('/proc/thread-self/ns/net', 'r');
    this.#enter(this.#home);
    const made = new Namespace(this.#calls, this.#home, fd);
    made.exec('ip', 'link', 'set', 'lo', 'up');
    return made;
  }

  /** Does something in this namespace. One at a time: whatever else opens sockets meanwhile would open them here. */
  async inside<T>(action: () => Promise<T> | T): Promise<T> {
    this.#enter(this.#fd);
    try {
      return await action();
    } finally {
      this.#enter(this.#home);
    }
  }

  /** Runs a program here to its end; returns what it says. @throws Error when it fails */
  exec(command: string, ...args: readonly string[]): string {
    this.#enter(this.#fd);
    try {
      // A list of ten thousand sockets is longer than the default.
      const maxBuffer = 64 * 1024 * 1024;
      return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer });
    } finally {
      this.#enter(this.#home);
    }
  }

  /** Runs `ip` once for each line, here. */
  ip(...lines: readonly string[]): void {
    for (const line of lines) this.exec('ip', ...line.split(' '));
  }

  close(): void {
    if (this.#fd !== this.#home) closeSync(this.#fd);
  }

  #enter(fd: number): void {
    if (this.#calls.setns(fd, CLONE_NEWNET) !== 0) throw new Error('setns failed');
  }
}
