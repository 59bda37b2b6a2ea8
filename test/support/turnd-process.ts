// Runs turnd as an operator does, `node dist/src/main.js` with flags, on the plane under test, and reads what it says. Standard output and
// standard error are kept apart; nothing outlives the test process.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { withPlane } from './plane-under-test.ts';

/** The built daemon. This file runs as dist/test/support/turnd-process.js. */
export const MAIN: string = fileURLToPath(new URL('../../src/main.js', import.meta.url));

// Only a server that hangs takes this long.
const PATIENCE_MS = 30_000;

/** SIGTERM ends calls: those of a test would wait for nobody. */
const AT_ONCE = { TURND_DRAIN__TIMEOUT: '0' } as const;

/** A line of the log; only what tests read by name. */
export interface LogLine {
  readonly level?: string;
  readonly msg?: string;
  readonly event?: string;
  readonly reason?: string;
  readonly listeners?: readonly { readonly transport: string; readonly address: string; readonly port: number }[];
  readonly [field: string]: unknown;
}

/** How a process is started. */
export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A program with arguments that starts it, such as `setpriv`. */
  readonly prefix?: readonly string[];
  readonly stdio?: SpawnOptions['stdio'];
  /** Another build of the daemon than this one. */
  readonly main?: string;
}

/** What `t` of tap offers to tidy up after a test. */
export interface Teardown {
  teardown(handler: () => unknown): void;
}

/** A turnd process, running or ended. */
export class TurndProcess {
  readonly child: ChildProcess;
  /** Lines of standard output in their order. */
  readonly stdout: string[] = [];
  stderr = '';
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  #code: number | NodeJS.Signals | null = null;
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], options: ProcessOptions = {}) {
    const [command = '', ...rest] = [
      ...(options.prefix ?? []),
      process.execPath,
      options.main ?? MAIN,
      ...withPlane(args),
    ];
    this.child = spawn(command, rest, {
      stdio: options.stdio ?? ['ignore', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), ...AT_ONCE, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const { stdout, stderr } = this.child;
    if (stdout !== null) createInterface({ input: stdout }).on('line', (line) => this.#heard(line));
    stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
      this.#wake();
    });
    const killOnExit = (): void => void this.child.kill('SIGKILL');
    process.once('exit', killOnExit);
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        process.off('exit', killOnExit);
        this.#code = code ?? signal ?? -1;
        this.#wake();
        resolve(this.#code);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get isAlive(): boolean {
    return this.#code === null;
  }

  /** The records of a JSON log on standard output; other lines are left out. */
  get log(): LogLine[] {
    return this.stdout.flatMap((line) => parseLine(line));
  }

  /** Waits until `probe` finds something; fails when the process ends before. */
  async until<T>(what: string, probe: () => T | undefined): Promise<T> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = probe();
      if (found !== undefined) return found;
      if (this.#code !== null) throw new Error(`turnd ended (${this.#code}) without ${what}\n${this.#said()}`);
      if (Date.now() > deadline) throw new Error(`turnd hangs without ${what}\n${this.#said()}`);
      await this.#change();
    }
  }

  /** The first record that matches, past or future. */
  logged(what: string, matches: (line: LogLine) => boolean): Promise<LogLine> {
    return this.until(what, () => this.log.find(matches));
  }

  /** The record `ready`. */
  ready(): Promise<LogLine> {
    return this.logged('the line "ready"', ({ msg }) => msg === 'ready');
  }

  /** The listening port of a transport, once it is ready. */
  async port(transport: string): Promise<number> {
    const { listeners = [] } = await this.ready();
    const found = listeners.find((listener) => listener.transport === transport);
    if (found === undefined) throw new Error(`turnd does not listen on ${transport}`);
    return found.port;
  }

  /** Sends SIGTERM (or another signal) and waits for the end. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.child.kill(signal);
    return this.ended;
  }

  #heard(line: string): void {
    this.stdout.push(line);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, PATIENCE_MS);
      this.#waiting.add(wake);
    });
  }

  #said(): string {
    return [...this.stdout, this.stderr].join('\n');
  }
}

/** What a process that ran to its end left behind. */
export interface Ended {
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs turnd to its end: for starts that must fail. One that serves instead is killed and says so by its signal. */
export async function runTurnd(args: readonly string[], options: ProcessOptions = {}): Promise<Ended> {
  const server = new TurndProcess(args, options);
  const timer = setTimeout(() => server.child.kill('SIGKILL'), PATIENCE_MS);
  const serves = server.ready().then(
    () => server.child.kill('SIGKILL'),
    () => undefined,
  );
  const code = await server.ended;
  clearTimeout(timer);
  await serves;
  return { code, stdout: server.stdout.join('\n'), stderr: server.stderr };
}

/** A directory that goes away after the test. */
export function temporaryDirectory(t: Teardown): string {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-integration-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Flags of a server on loopback that knows alice, serves UDP on a free port and asks nobody for its address. */
export function labFlags(directory: string, ...more: readonly string[]): string[] {
  return [...bareFlags(directory), '--listen', 'udp://127.0.0.1:0', '--user', 'alice:secret-of-alice', ...more];
}

/** As {@link labFlags}, without listener and user. */
export function bareFlags(directory: string): string[] {
  return [
    ...['--state-dir', join(directory, 'state'), '--log-format', 'json'],
    ...['--relay-address', '127.0.0.1', '--external-address', 'none', '--unsafe-allow-loopback-peers'],
  ];
}

/** Starts such a server, waits until it is ready, and stops it after the test. */
export async function startLabTurnd(t: Teardown, more: readonly string[] = [], options: ProcessOptions = {}) {
  return startTurndWith(t, labFlags(temporaryDirectory(t), ...more), options);
}

/** Starts turnd with these flags, waits until it is ready, and stops it after the test. */
export async function startTurndWith(t: Teardown, flags: readonly string[], options: ProcessOptions = {}) {
  const server = new TurndProcess(flags, options);
  t.teardown(() => (server.isAlive ? server.stop() : undefined));
  await server.ready();
  return server;
}

// A test must not depend on the configuration of whoever runs it.
function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(TURND_|WATCHDOG_|NOTIFY_SOCKET$|NODE_OPTIONS$|STATE_DIRECTORY$)/.test(name),
  );
  return Object.fromEntries(entries);
}

function parseLine(line: string): LogLine[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'msg' in value ? [value as LogLine] : [];
  } catch {
    return [];
  }
}
