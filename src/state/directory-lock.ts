// One process per state directory. Owns the lock sockets in it and nothing else there.
//
// Node has no flock(), and a file with a process id outlives kill -9. A listening Unix socket does not: the kernel
// refuses connections to it as soon as its process is gone, so a connect tells a live holder from a dead one.
// Removing a dead socket of a fixed name is a race, though: two starters find it dead, one replaces it, the other
// removes the replacement. So each process listens under a name of its own, `lock-<pid>-<rank>`, and only then looks
// for others. A name is never used again, so what is dead stays dead and anybody may remove it; and of two that start
// at once at least one sees the other. Nobody holds the lock who sees a live rival. Ranks grow with time: who sees an
// older rival gives up, the oldest waits for the younger ones to do so. (A younger one that has looked before the
// oldest could be seen holds the lock; then the oldest waits in vain.)
// The sockets work across network and pid namespaces, but not across hosts.

import { randomBytes } from 'node:crypto';
import { close, constants, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A held lock. */
export interface DirectoryLock {
  /** Gives the lock back. Idempotent. */
  release(): Promise<void>;
}

/** Who holds the lock, as far as the name of its socket tells. */
export interface LockHolder {
  readonly pid: number;
}

interface Rival extends LockHolder {
  readonly rank: string;
}

const LOCK_NAME = /^lock-([0-9]{1,10})-([0-9a-f]{24})$/;
/** Beyond this a path may not fit into sun_path (108 bytes on Linux, 104 elsewhere). */
const MAX_SOCKET_PATH = 100;
const LOOKS = 40;
const MILLISECONDS_BETWEEN_LOOKS = 25;

/**
 * Takes the lock of a directory, or says who holds it.
 * @throws the system's error when no socket can be made there
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock | LockHolder> {
  const claim = await Claim.make(directory);
  try {
    const rival = await outlastRivals(claim);
    if (rival === null) return claim;
    await claim.release();
    return rival;
  } catch (error) {
    await claim.release();
    throw error;
  }
}

/** Null once no rival is left, or the rival that holds the lock. */
async function outlastRivals(claim: Claim): Promise<LockHolder | null> {
  for (let look = 1; ; look++) {
    const rival = await findOldestRival(claim);
    if (rival === null) return null;
    if (rival.rank < claim.rank || look === LOOKS) return rival;
    await delay(MILLISECONDS_BETWEEN_LOOKS);
  }
}

/** A lock socket of this process, listening under its name. */
class Claim implements DirectoryLock {
  readonly directory: string;
  readonly name: string;
  /** The time of the claim, then random digits: compared as text, the older claim is the smaller. */
  readonly rank: string;
  /** Where sockets in the directory can be reached: the directory, or a shorter path to it. */
  readonly reach: SocketReach;
  readonly #server: Server;
  #released: Promise<void> | null = null;

  private constructor(directory: string, rank: string, reach: SocketReach, server: Server) {
    this.directory = directory;
    this.name = lockName(rank);
    this.rank = rank;
    this.reach = reach;
    this.#server = server;
  }

  static async make(directory: string): Promise<Claim> {
    // The monotonic clock is the same for all processes of a host, and orders them until it boots again.
    const rank = process.hrtime.bigint().toString(16).padStart(16, '0') + randomBytes(4).toString('hex');
    const newName = `new-${rank}`;
    const reach = openReach(directory, lockName(rank));
    try {
      // Between bind() and listen() a socket looks dead: it gets its lock's name only when it listens.
      const server = await listen(reach.path(newName));
      renameSync(join(directory, newName), join(directory, lockName(rank)));
      return new Claim(directory, rank, reach, server);
    } catch (error) {
      reach.close();
      throw error;
    }
  }

  release(): Promise<void> {
    this.#released ??= this.#close();
    return this.#released;
  }

  #close(): Promise<void> {
    rmSync(join(this.directory, this.name), { force: true });
    return new Promise((resolve) => {
      this.#server.close(() => {
        this.reach.close();
        resolve();
      });
    });
  }
}

/** The live rival that is the oldest, or null. Removes the sockets of the dead on the way. */
async function findOldestRival(claim: Claim): Promise<Rival | null> {
  let oldest: Rival | null = null;
  for (const name of readdirSync(claim.directory)) {
    const [, pid, rank] = LOCK_NAME.exec(name) ?? [];
    if (pid === undefined || rank === undefined || name === claim.name) continue;
    if (!(await isAlive(claim.reach.path(name)))) rmSync(join(claim.directory, name), { force: true });
    else if (oldest === null || rank < oldest.rank) oldest = { pid: Number(pid), rank };
  }
  return oldest;
}

function lockName(rank: string): string {
  return `lock-${process.pid}-${rank}`;
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    // Another user of the directory must be able to see it dead: connecting needs write permission. Nothing is served.
    server.listen({ path, writableAll: true }, () => {
      server.removeListener('error', reject);
      // A failed accept() says nothing about the lock, and must not end the process.
      server.on('error', () => {});
      server.unref();
      resolve(server);
    });
  });
}

/** Whether someone listens. A holder that is stopped or too busy to accept is alive: only a refusal means death. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

interface SocketReach {
  path(name: string): string;
  close(): void;
}

/** A socket's path must be short. On Linux an open directory can be named by its descriptor. */
function openReach(directory: string, longestName: string): SocketReach {
  const length = Buffer.byteLength(join(directory, longestName));
  if (process.platform !== 'linux' || length <= MAX_SOCKET_PATH) {
    return { path: (name) => join(directory, name), close: () => {} };
  }
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  return {
    path: (name) => `/proc/self/fd/${descriptor}/${name}`,
    close: () => close(descriptor, () => {}),
  };
}
