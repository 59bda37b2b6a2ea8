// Runs a database server for tests: a private directory, a process of its own user, and its stop, death, pause and
// restart. Knows no server in particular.

import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';

/** How long a server may take from its start to its first answer, in milliseconds. */
const READY_TIMEOUT_MS = 30_000;
/** How long a server may take to end after it was asked to, in milliseconds. */
const STOP_GRACE_MS = 10_000;
/** How often a starting server is asked whether it answers, in milliseconds. */
const POLL_MS = 30;
/** How many characters of its output an error shows. */
const SHOWN_OUTPUT = 2000;

/** How to run a server. */
export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Who it runs as; null = the user of the tests. */
  readonly user: SystemUser | null;
  /** Resolves once it serves; called again until it does. */
  readonly ask: () => Promise<void>;
  /** By which it ends at once and in order; SIGTERM by default. */
  readonly stopSignal?: NodeJS.Signals;
}

/** Numbers of a user. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** A database server that runs, or did, and can again. */
export class ServerProcess {
  /** Everything that it wrote. */
  output = '';
  readonly #command: ServerCommand;
  readonly #said = new EventEmitter();
  #child: ChildProcess | null = null;

  constructor(command: ServerCommand) {
    this.#command = command;
  }

  /** The process ID; -1 when it does not run. */
  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** Starts it, and resolves once it answers. */
  async start(): Promise<void> {
    const { program, args, user } = this.#command;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...user });
    this.#child = child;
    // With its children: those that are paused would outlive it.
    const killOnExit = (): void => {
      for (const pid of [...childrenOf(this.pid), this.pid]) if (pid > 0) killQuietly(pid);
    };
    process.once('exit', killOnExit);
    child.once('error', (error) => this.#hear(error.message));
    child.once('close', () => process.off('exit', killOnExit));
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => this.#hear(String(data)));
    await this.#untilReady(child);
  }

  /** Ends it as an administrator would. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), STOP_GRACE_MS);
    await this.#end(this.#command.stopSignal ?? 'SIGTERM');
    clearTimeout(timer);
  }

  /** Ends it as a power failure would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** It answers nobody from now on, and keeps its connections. */
  pause(): void {
    for (const pid of [this.pid, ...childrenOf(this.pid)]) process.kill(pid, 'SIGSTOP');
  }

  /** The end of {@link pause}. */
  resume(): void {
    for (const pid of [...childrenOf(this.pid), this.pid]) process.kill(pid, 'SIGCONT');
  }

  /** Resolves once its output has this text: a server answers before what it wrote has come through the pipe. */
  async hasSaid(text: string): Promise<void> {
    while (!this.output.includes(text)) await once(this.#said, 'output');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    const family = childrenOf(child.pid ?? -1);
    child.kill(signal);
    if (signal === 'SIGKILL') for (const pid of family) killQuietly(pid);
    else child.kill('SIGCONT');
    await ended;
  }

  async #untilReady(child: ChildProcess): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      try {
        await this.#command.ask();
        return;
      } catch (error) {
        const isDead = child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
        if (isDead || performance.now() > deadline) {
          await this.kill();
          throw new Error(`${this.#command.program} did not start (${error}):\n${this.output.slice(-SHOWN_OUTPUT)}`);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #hear(text: string): void {
    this.output += text;
    this.#said.emit('output');
  }
}

/** Rejects when nobody listens at the port of 127.0.0.1. */
export async function askPort(port: number): Promise<void> {
  const socket = createConnection(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return [];
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended with its parent.
  }
}
