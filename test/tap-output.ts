// Reads the output of tests line by line: how many assertions there were, and what failed, so that the end of a long run
// can say it again.

const INDENT = 4;

/** tap's count of assertions. */
export interface Summary {
  readonly pass: number;
  readonly fail: number;
  readonly skip: number;
}

/** What a run of tests left behind. `summary` is null if it did not come to its end. */
export interface TapResult {
  readonly status: number;
  readonly summary: Summary | null;
  /** What failed, each as the names of its file and its tests. */
  readonly failures: readonly string[];
}

/** The count that a line holds, or null: `# { total: 6, pass: 5, skip: 1 }`. */
export function summaryIn(line: string): Summary | null {
  const counts = /^# \{ (total: \d+.*) \}$/.exec(line)?.[1];
  if (counts === undefined) return null;
  // Every count but `total` is left out when it is zero.
  const count = (name: string): number => Number(new RegExp(`\\b${name}: (\\d+)`).exec(counts)?.[1] ?? 0);
  return { pass: count('pass'), fail: count('fail'), skip: count('skip') + count('todo') };
}

/** The failures in TAP with nested tests. */
export class TapFailures {
  /** Each as the names around it and its own, from the outermost. */
  readonly found: string[] = [];
  readonly #names: string[] = [];

  read(line: string): void {
    const [, blanks = '', text = ''] = /^( *)(.*)$/.exec(line) ?? [];
    const depth = Math.floor(blanks.length / INDENT);
    const name = /^# Subtest: (.*)$/.exec(text)?.[1];
    if (name !== undefined) {
      this.#names.length = Math.min(this.#names.length, depth);
      this.#names[depth] = name;
    }
    const failed = /^not ok \d+ - (.*)$/.exec(text)?.[1];
    if (failed === undefined || / # (?:SKIP|TODO)\b/i.test(failed)) return;
    // What is around a failure fails with it.
    const within = [...this.#names.slice(0, depth), failed.replace(/ # time=.*$/, '')].join(' > ');
    if (!this.found.some((one) => one.startsWith(`${within} > `))) this.found.push(within);
  }
}
