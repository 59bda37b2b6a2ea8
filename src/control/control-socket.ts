// Serves the control API on a Unix socket: whoever may write to its file has full rights. Owns the file;
// what requests mean is control-app.ts's business.

import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { ControlError, describeSystemError } from '../errors.ts';
import { closeBoundedServer, makeBoundedServer } from './bounded-server.ts';
import { type Mount, makeControlApp } from './control-app.ts';
import type { ServerControl } from './server-control.ts';

/** What is served, and where. */
export interface ControlSocketOptions {
  /** Absolute path of the socket. */
  readonly path: string;
  readonly control: ServerControl;
  /** Applications beside the API. */
  readonly mounts?: readonly Mount[];
  /** Gets what is a fault of the program. */
  readonly report: (error: unknown) => void;
  /** Who may connect: `owner` (mode 0600), or `group` too (0660: of the directory's group where that is set). */
  readonly access?: 'owner' | 'group';
  /** Unix milliseconds; the system's clock if absent. */
  readonly now?: () => number;
  /** Milliseconds in which a request must be whole; 10 s if absent. */
  readonly requestTimeout?: number;
}

/** A socket that is served. */
export interface ControlSocket {
  /** Takes the file away and ends all connections. Idempotent. */
  close(): Promise<void>;
}

/** sun_path has 108 bytes, the last of them zero. */
const MAX_PATH_BYTES = 107;
const MAX_CONNECTIONS = 64;
const PROBE_MS = 1000;

/**
 * Opens the socket. What a dead process has left at `path` is taken away; one that somebody answers at is not.
 * @throws ControlError
 */
export async function openControlSocket(options: ControlSocketOptions): Promise<ControlSocket> {
  const { path, control, mounts = [], report, now = Date.now, requestTimeout } = options;
  const length = Buffer.byteLength(path);
  if (length > MAX_PATH_BYTES) {
    const advice = 'set control.socket to a shorter one';
    throw new ControlError(
      `control socket ${path}: the path has ${length} bytes, ${MAX_PATH_BYTES} at most: ${advice}`,
    );
  }
  await makeWay(path);
  const app = makeControlApp({ control, now, report, mounts });
  const server = makeBoundedServer({ app, report, requestTimeout, maxConnections: MAX_CONNECTIONS });
  await listen(server, path, options.access === 'group' ? 0o660 : 0o600);
  server.on('error', report);
  let closing: Promise<void> | null = null;
  return {
    close: () => {
      closing ??= closeBoundedServer(server);
      return closing;
    },
  };
}

function listen(server: Server, path: string, mode: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(refusal(path, `${describeSystemError(error)} (${dirname(path)})`, error)));
    // The file is made within the call: at no time may others connect.
    const before = process.umask(0o777 & ~mode);
    try {
      server.listen({ path }, () => {
        server.removeAllListeners('error');
        resolve();
      });
    } finally {
      process.umask(before);
    }
    server.once('listening', () => chmodSync(path, mode));
  });
}

async function makeWay(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw refusal(path, 'a file that is no socket is there: remove it or set control.socket');
  const answer = await probe(path);
  if (answer === 'ECONNREFUSED') return removeStale(path);
  if (answer === 'ENOENT') return;
  if (answer === null) throw refusal(path, 'another turnd answers there: stop it or set control.socket');
  throw refusal(path, `somebody may be there, and it cannot be asked (${answer}): remove it or set control.socket`);
}

function removeStale(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    throw refusal(path, `what a stopped turnd has left cannot be removed: ${describeSystemError(error)}`, error);
  }
}

/** Null if somebody accepts connections there, else why not. A queue that is full is somebody. */
function probe(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const end = (answer: string | null): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_MS, () => end(null));
    socket.once('connect', () => end(null));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'EAGAIN' ? null : (error.code ?? '')));
  });
}

function refusal(path: string, why: string, cause?: unknown): ControlError {
  return new ControlError(`control socket ${path}: ${why}`, cause);
}
