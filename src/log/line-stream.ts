// Owns the destination of log lines: a descriptor or a file that can be opened again. It never blocks the process
// and never throws: a full disk, a closed pipe or a reader that has stopped costs lines and nothing else.
// Not pino's own destination: when the process ends, that one repeats a failing write for ever.

import { close, constants, fstatSync, openSync, write } from 'node:fs';
import { Socket } from 'node:net';

const STANDARD_OUTPUT = 1;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const LINE_FEED = 0x0a;
const MAX_WRITE_BYTES = 64 * 1024;
const RETRY_MS = 50;
const CLOSE_TIMEOUT_MS = 1000;

/** Writes lines in their order, one write at a time, in the background. */
export class LineStream {
  readonly #path: string | null;
  #fd: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #isReopenDue = false;
  #lost = 0;
  /** Of them, those that {@link onRoom} has not been told of. */
  #untold = 0;
  /** Whether the destination has the beginning of a line whose rest was lost. */
  #isMidLine = false;
  #onRoom: (lost: number) => void = () => {};
  #closing: Promise<boolean> | null = null;
  #onDrained: (() => void) | null = null;

  private constructor(fd: number, path: string | null) {
    this.#fd = fd;
    this.#path = path;
  }

  /** Opens a file for appending. Throws what `node:fs` throws. */
  static openFile(path: string): LineStream {
    return new LineStream(openForAppend(path), path);
  }

  /** Writes to standard output. */
  static openStandardOutput(): LineStream {
    return new LineStream(openWithoutBlocking(STANDARD_OUTPUT), null);
  }

  /** Lines that were dropped because the destination failed or was too slow. */
  get lost(): number {
    return this.#lost;
  }

  /** Calls `tell` with the number of lines that were lost since, once the destination takes lines again. */
  onRoom(tell: (lost: number) => void): void {
    this.#onRoom = tell;
  }

  /** Adds a line, which ends in a line feed. */
  write(line: string): void {
    if (this.#closing !== null) return;
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.#lose(1);
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (!this.#isWriting) this.#writeNext();
  }

  /** Opens the file again under its name. If that fails, the old file stays in use. Nothing happens without a file. */
  reopen(): void {
    if (this.#path === null || this.#closing !== null) return;
    this.#isReopenDue = true;
    if (!this.#isWriting) this.#openAgain();
  }

  /**
   * Writes what waits, for at most a second, and closes. Idempotent.
   * False if lines are left: then a write may hang in the kernel, and `process.exit` would wait for it.
   */
  close(): Promise<boolean> {
    this.#closing ??= this.#drain().then((isDrained) => {
      if (isDrained && this.#fd > 2) closeQuietly(this.#fd);
      return isDrained;
    });
    return this.#closing;
  }

  #drain(): Promise<boolean> {
    if (!this.#isWriting) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), CLOSE_TIMEOUT_MS);
      this.#onDrained = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  #writeNext(): void {
    if (this.#isReopenDue) this.#openAgain();
    const chunk = this.#takeChunk();
    this.#isWriting = chunk !== null;
    if (chunk === null) this.#onDrained?.();
    else this.#writeChunk(chunk);
  }

  #writeChunk(chunk: Buffer): void {
    write(this.#fd, chunk, (error, written) => {
      if (error === null && written > 0) this.#isMidLine = chunk[written - 1] !== LINE_FEED;
      if (error === null && written === chunk.length) this.#hasWritten();
      else if (error === null) this.#writeChunk(chunk.subarray(written));
      else if (error.code === 'EAGAIN') setTimeout(() => this.#writeChunk(chunk), RETRY_MS).unref();
      else this.#drop(chunk);
    });
  }

  #hasWritten(): void {
    this.#writeNext();
    // Where lines still come faster than they leave, this one would be lost with them.
    if (this.#untold === 0 || this.#waitingBytes > MAX_WAITING_BYTES / 2 || this.#closing !== null) return;
    const lost = this.#untold;
    this.#untold = 0;
    this.#onRoom(lost);
  }

  #drop(chunk: Buffer): void {
    // A line feed that closes the beginning of a line closes none of those that are lost.
    let lines = this.#isMidLine && chunk[0] === LINE_FEED ? -1 : 0;
    for (const byte of chunk) if (byte === LINE_FEED) lines += 1;
    this.#lose(lines);
    this.#writeNext();
  }

  #lose(lines: number): void {
    this.#lost += lines;
    this.#untold += lines;
  }

  /** The next lines up to the size of one write; null if none wait. */
  #takeChunk(): Buffer | null {
    let count = 0;
    let bytes = 0;
    while (count < this.#waiting.length && (count === 0 || bytes < MAX_WRITE_BYTES)) {
      bytes += this.#waiting[count]?.length ?? 0;
      count += 1;
    }
    if (count === 0) return null;
    this.#waitingBytes -= bytes;
    const lines = this.#waiting.splice(0, count);
    // The beginning of a lost line stays a line of its own.
    return Buffer.concat(this.#isMidLine ? [Buffer.of(LINE_FEED), ...lines] : lines);
  }

  #openAgain(): void {
    this.#isReopenDue = false;
    try {
      const fd = openForAppend(this.#path ?? '');
      closeQuietly(this.#fd);
      this.#fd = fd;
    } catch {
      // The directory may be gone for a moment; lines still reach the file that was renamed.
    }
  }
}

function openForAppend(path: string): number {
  return openSync(path, 'a', 0o640);
}

/**
 * Standard output whose writes fail with EAGAIN when its reader has stopped. A blocking write would hold a thread of
 * the pool, and the end of the process would wait for that thread. Terminals and files are left as they are.
 */
function openWithoutBlocking(fd: number): number {
  try {
    const kind = fstatSync(fd);
    // Opened a second time, a pipe has a mode of its own; the other processes that write to it notice nothing.
    if (kind.isFIFO()) return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
    // A socket (the journal's) cannot be opened again. The handle only sets the mode: nothing is sent through it.
    if (kind.isSocket()) new Socket({ fd, readable: false, writable: true }).unref();
    return fd;
  } catch {
    return fd;
  }
}

function closeQuietly(fd: number): void {
  close(fd, () => {});
}
