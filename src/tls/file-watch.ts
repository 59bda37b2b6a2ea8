// Notices that files have changed: by events of their directories where the system has them, and by looking again from
// time to time. A file may be a link, and a directory above it too. Knows nothing of what the files are.

import { realpathSync, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** What is asked of the file system. */
export interface WatchedFiles {
  /** Tells one state of what a path leads to from every other; the empty text = nothing is there. Never throws. */
  stampOf(path: string): string;
  /** The directories in which a change of the path may show. Never throws. */
  directoriesOf(path: string): readonly string[];
  /** Calls back, perhaps for no reason, when something in a directory has changed. Returns how to stop. Never throws. */
  watch(directory: string, onChange: () => void): () => void;
}

/** Timers; each returns how to stop it. */
export interface WatchTimers {
  after(milliseconds: number, act: () => void): () => void;
  every(milliseconds: number, act: () => void): () => void;
}

/** What a watch is made with. */
export interface FileWatchOptions {
  readonly files: WatchedFiles;
  readonly timers: WatchTimers;
  /** Takes the files as they are now. @returns why they cannot be taken, or null */
  readonly take: () => string | null;
  /** They could not be taken, nor a moment later; told once for each state that they are left in. */
  readonly refused: (reason: string) => void;
}

/** Events do not reach everywhere: a network file system, or a link somewhere above. */
export const POLL_MS = 10_000;
/** Two files are seldom written in one moment. */
export const SETTLE_MS = 200;
/** How long a pair that does not match may be one of which the second half is still to come. */
export const GRACE_MS = 2000;

/** Watches some files at a time. */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #stopPolling: () => void;
  readonly #stopWatching = new Map<string, () => void>();
  #paths: readonly string[] = [];
  #seen: string | null = null;
  #stopSettling: () => void = ignore;
  #stopWaiting: () => void = ignore;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#stopPolling = options.timers.every(POLL_MS, () => this.#look());
  }

  /** Watches these files and no others. They are taken once soon: they may have changed since somebody read them. */
  follow(paths: readonly string[]): void {
    this.#paths = paths;
    this.#seen = null;
    this.#arm();
    this.#soon();
  }

  /** Stops. Idempotent. */
  close(): void {
    this.#paths = [];
    this.#stopPolling();
    this.#stopSettling();
    this.#stopWaiting();
    this.#arm();
  }

  #soon(): void {
    this.#stopSettling();
    this.#stopSettling = this.#options.timers.after(SETTLE_MS, () => this.#look());
  }

  #look(): void {
    const now = this.#stamps();
    if (now === this.#seen) return;
    this.#seen = now;
    this.#stopWaiting();
    // Links may lead elsewhere now.
    this.#arm();
    if (this.#paths.length === 0 || this.#options.take() === null) return;
    this.#stopWaiting = this.#options.timers.after(GRACE_MS, () => this.#lookAgain());
  }

  #lookAgain(): void {
    this.#seen = this.#stamps();
    const reason = this.#options.take();
    if (reason !== null) this.#options.refused(reason);
  }

  #stamps(): string {
    return this.#paths.map((path) => this.#options.files.stampOf(path)).join('\n');
  }

  #arm(): void {
    const { files } = this.#options;
    const wanted = new Set(this.#paths.flatMap((path) => files.directoriesOf(path)));
    for (const [directory, stop] of this.#stopWatching) {
      if (wanted.has(directory)) continue;
      this.#stopWatching.delete(directory);
      stop();
    }
    for (const directory of wanted) {
      if (this.#stopWatching.has(directory)) continue;
      this.#stopWatching.set(
        directory,
        files.watch(directory, () => this.#soon()),
      );
    }
  }
}

/** The file system itself. */
export const systemFiles: WatchedFiles = Object.freeze({ stampOf, directoriesOf, watch: watchDirectory });

function stampOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return '';
  }
}

// Where the link is, and where the file is: certbot exchanges the former, whoever copies writes to the latter.
function directoriesOf(path: string): readonly string[] {
  try {
    return [dirname(path), dirname(realpathSync(path))];
  } catch {
    return [dirname(path)];
  }
}

// A system without events, or with too many watchers, leaves it to looking again.
function watchDirectory(directory: string, onChange: () => void): () => void {
  try {
    const watcher = watch(directory, { persistent: false }, onChange);
    watcher.on('error', ignore);
    return () => watcher.close();
  } catch {
    return ignore;
  }
}

function ignore(): void {}
