// Runs command lines of turnctl in this process: against a socket that a fake server answers at, or a store in a file.

import { runTurnctl } from '../../src/cli/turnctl-program.ts';
import { systemFileReader } from '../../src/config/file-reader.ts';
import { openControlSocket } from '../../src/control/control-socket.ts';
import { type FakeIoOptions, fakeIo } from './command-io.ts';
import { FAKE_NOW, type FakeControl, fakeControl } from './fake-control.ts';
import { type Teardown, temporaryDirectory } from './turnd-process.ts';

/** What a command line has come to. */
export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  readonly questions: readonly string[];
}

/** How command lines run. */
export type Run = (line: string, options?: FakeIoOptions) => Promise<Ran>;

/** Runs one command line; its words are separated by spaces. */
export async function turnctl(line: string, options: FakeIoOptions = {}): Promise<Ran> {
  const io = { ...fakeIo(options), reader: systemFileReader };
  const status = await runTurnctl(line.split(' '), '1.2.3', io);
  return { status, out: io.printed.join(''), err: io.refused.join(''), questions: io.questions };
}

/** A fake server that answers at a socket, and command lines that find it. */
export async function withDaemon(t: Teardown): Promise<{ readonly run: Run; readonly control: FakeControl }> {
  const cwd = temporaryDirectory(t);
  const control = fakeControl();
  const path = `${cwd}/turnd.sock`;
  const report = (error: unknown): never => {
    throw error;
  };
  const socket = await openControlSocket({ path, control, report, now: () => FAKE_NOW });
  t.teardown(() => socket.close());
  const env = { TURND_CONTROL__SOCKET: path };
  return { control, run: (line, options) => turnctl(line, { cwd, env, ...options }) };
}

/** Command lines in an empty directory where no server runs. */
export function withoutDaemon(t: Teardown): { readonly run: Run; readonly cwd: string } {
  const cwd = temporaryDirectory(t);
  const env = { TURND_CONTROL__SOCKET: `${cwd}/turnd.sock` };
  return { cwd, run: (line, options) => turnctl(line, { cwd, env, ...options }) };
}
