// A worker's log lines on their way to main: in batches, and bounded. What main does not take in time is lost and
// counted; the log never makes a worker wait. Knows nothing of what the lines say.

/** What carries a batch. */
export interface LogCarrier {
  /** Sends a batch; `sent` is called when it has left. */
  send(batch: { readonly lines: readonly string[]; readonly lost: number }, sent: () => void): void;
  /** Runs later, soon. */
  later(act: () => void): void;
}

/** Characters that may wait, in the pipe and on their way. */
const MAX_WAITING = 4 * 1024 * 1024;
/** Characters of a batch. */
const MAX_BATCH = 64 * 1024;

/** Collects lines. */
export class LogPipe {
  readonly #carrier: LogCarrier;
  #lines: string[] = [];
  #waiting = 0;
  #lost = 0;
  #isDue = false;

  constructor(carrier: LogCarrier) {
    this.#carrier = carrier;
  }

  /** Adds a line. */
  write(line: string): void {
    if (this.#waiting + line.length > MAX_WAITING) {
      this.#lost++;
      return;
    }
    this.#waiting += line.length;
    this.#lines.push(line);
    if (this.#isDue) return;
    this.#isDue = true;
    this.#carrier.later(() => this.flush());
  }

  /** Sends what is there now. */
  flush(): void {
    this.#isDue = false;
    while (this.#lines.length > 0) {
      const lines = this.#takeBatch();
      const length = lengthOf(lines);
      const lost = this.#lost;
      this.#lost = 0;
      this.#carrier.send({ lines, lost }, () => {
        this.#waiting -= length;
      });
    }
  }

  #takeBatch(): string[] {
    let length = 0;
    const end = this.#lines.findIndex((line) => {
      length += line.length;
      return length > MAX_BATCH;
    });
    return this.#lines.splice(0, end < 0 ? this.#lines.length : Math.max(1, end));
  }
}

function lengthOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + line.length, 0);
}
