// Starts a worker as a child process and speaks with it over Node's IPC. Neither its arguments nor its environment hold
// anything of the configuration: other users may read the former, and a crash dump the latter.

import { type ChildProcess, spawn } from 'node:child_process';
import type { ToWorker } from './messages.ts';
import { Outbox } from './outbox.ts';
import type { WorkerExit, WorkerProcess } from './supervisor.ts';

/** The descriptors that a worker finds open, beside standard output and error and Node's own channel. */
export const WorkerFd = {
  /** The descriptor channel. */
  CHANNEL: 4,
  /** The memory that main and all workers share. */
  SHARED: 5,
} as const;

/** What a worker inherits. */
export interface WorkerDescriptors {
  /** Its end of the descriptor channel. */
  readonly channel: number;
  /** The memory that main and all workers share. */
  readonly shared: number;
}

/** What a worker process reports to. */
export interface WorkerEvents {
  /** It has said something: an array of `FromWorker`, unless it is out of its mind. */
  heard(batch: unknown): void;
  /** It is gone; told exactly once, after its last words. */
  exited(how: WorkerExit): void;
}

/** What concerns Node, the system and nobody's secrets. */
const ENVIRONMENT = ['PATH', 'TZ', 'LANG', 'LC_ALL', 'NODE_V8_COVERAGE', 'SSL_CERT_FILE'];
/** A debugger reads every secret, and all workers would want its port (S60). */
const DEBUGGER = /^--(inspect|debug)/;

/** Starts a worker. @param program the path of its module */
export function spawnWorker(program: string, descriptors: WorkerDescriptors, owner: WorkerEvents): WorkerProcess {
  const child = spawn(process.execPath, [...process.execArgv.filter((flag) => !DEBUGGER.test(flag)), program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', descriptors.channel, descriptors.shared],
    env: environment(),
  });
  listen(child, owner);
  const outbox = new Outbox<ToWorker>({
    // The callback takes the error of a channel that is gone; what was to be sent is lost with it.
    send: (messages, sent) => {
      if (child.connected) child.send(messages, sent);
    },
    later: process.nextTick,
  });
  return {
    pid: child.pid ?? 0,
    send: (message: ToWorker) => outbox.send(message),
    kill: () => void child.kill('SIGKILL'),
  };
}

function listen(child: ChildProcess, owner: WorkerEvents): void {
  let isGone = false;
  const exited = (code: number | null, signal: string | null): void => {
    if (isGone) return;
    isGone = true;
    owner.exited({ code, signal });
  };
  child.on('message', (batch) => owner.heard(batch));
  // It could not be started at all: no process, no exit.
  child.on('error', () => {
    if (child.pid === undefined) exited(null, null);
  });
  // Not 'close': whatever shares its output may live on. Its last messages come before 'disconnect'.
  child.once('exit', (code, signal) => {
    if (!child.connected) exited(code, signal);
    else child.once('disconnect', () => exited(code, signal));
  });
}

function environment(): NodeJS.ProcessEnv {
  const passed = Object.fromEntries(
    ENVIRONMENT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  const options = (process.env['NODE_OPTIONS'] ?? '').split(/\s+/).filter((flag) => !DEBUGGER.test(flag));
  return { ...passed, NODE_OPTIONS: options.join(' ') };
}
