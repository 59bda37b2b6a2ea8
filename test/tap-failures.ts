// Reads the output of tap line by line and keeps what failed, so that the end of a long run can say it again.

const INDENT = 4;

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
