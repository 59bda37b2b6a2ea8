// Runs foreign programs and servers under test as child processes: keeps their output as lines, waits for a line, and
// makes sure that none outlives this process. Knows no program in particular.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How long a process may take between SIGTERM and its end, in milliseconds. */
const STOP_GRACE_MS = 5_000;

/** How long a server may take to say that it is ready, in milliseconds. */
const READY_TIMEOUT_MS = 15_000;

/** A running child process and what it has said so far on stdout and stderr. */
export class Child {
  readonly process: ChildProcess;
  /** Every line of stdout and stderr, in the order of arrival. */
  readonly lines: string[] = [];
  /** Settles when the process has ended and its output has been read: the exit code, or -1 after a signal. */
  readonly ended: Promise<number>;
  readonly #command: string;
  readonly #listeners = new Set<(line: string) => void>();

  /** Starts `command`. A command that cannot be started ends with -1 and says why in {@link lines}. */
  constructor(command: string, args: readonly string[], options: Pick<SpawnOptions, 'cwd' | 'env'> = {}) {
    this.#command = [command, ...args].join(' ');
    this.process = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#onLine(line));
    }
    const killOnExit = (): void => void this.process.kill('SIGKILL');
    process.once('exit', killOnExit);
    this.ended = new Promise((resolve) => {
      this.process.once('error', (error) => {
        this.#onLine(error.message);
        resolve(-1);
      });
      this.process.once('close', (code) => resolve(code ?? -1));
    });
    void this.ended.then(() => process.off('exit', killOnExit));
  }

  /** The process ID; -1 if it could not be started. */
  get pid(): number {
    return this.process.pid ?? -1;
  }

  /** Waits for the first line, past or future, that `matches`. Rejects if the process ends or `timeoutMs` passes. */
  waitForLine(matches: (line: string) => boolean, timeoutMs: number = READY_TIMEOUT_MS): Promise<string> {
    const past = this.lines.find(matches);
    if (past !== undefined) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const onLine = (line: string): void => {
        if (!matches(line)) return;
        forget();
        resolve(line);
      };
      const fail = (why: string): void => {
        forget();
        reject(new Error(`${this.#command}: ${why}\n${this.lines.join('\n')}`));
      };
      const timer = setTimeout(() => fail(`the awaited line did not come in ${timeoutMs} ms`), timeoutMs);
      const forget = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(onLine);
      };
      this.#listeners.add(onLine);
      void this.ended.then((code) => fail(`ended with ${code}`));
    });
  }

  /** Ends the process with SIGTERM, and with SIGKILL if that does not help. Returns its exit code, -1 after a signal. */
  async stop(): Promise<number> {
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_GRACE_MS);
    const code = await this.ended;
    clearTimeout(timer);
    return code;
  }

  #onLine(line: string): void {
    this.lines.push(line);
    for (const listener of this.#listeners) listener(line);
  }
}

/** What a program that ran to its end left behind. */
export interface Outcome {
  /** The exit code, or -1 after a signal. */
  readonly code: number;
  readonly output: string;
}

/** Runs a program to its end, or kills it after `timeoutMs`. */
export async function runToEnd(command: string, args: readonly string[], timeoutMs: number): Promise<Outcome> {
  const child = new Child(command, args);
  const timer = setTimeout(() => child.process.kill('SIGKILL'), timeoutMs);
  const code = await child.ended;
  clearTimeout(timer);
  return { code, output: child.lines.join('\n') };
}
