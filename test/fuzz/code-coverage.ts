// Which code of ours has run, by V8's precise coverage. It must begin before the modules that it is to see are loaded:
// whatever is compiled by then has no counters for its branches.

import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';

/** By the URL of a module, a byte for each character of it: 1 where it has run. */
export type CoveredCode = ReadonlyMap<string, Uint8Array>;

/** Code that has not run, by characters of the compiled file. */
export interface MissedRange {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** How much of the branches has run. */
export interface BranchCoverage {
  /** Functions, and the blocks that V8 counts apart in them. */
  readonly branches: number;
  readonly covered: number;
  readonly missed: readonly MissedRange[];
}

interface Block {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface Script {
  readonly url: string;
  /** The first is the module itself; those around others come before them. */
  readonly functions: readonly { readonly ranges: readonly Block[] }[];
}

/** Looks at the modules whose URL contains one of these texts. */
export class CodeCoverage {
  readonly #session = new Session();
  readonly #watched: readonly string[];

  constructor(watched: readonly string[]) {
    this.#watched = watched;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** What has run since the last call of this or {@link branches}. */
  take(): CoveredCode {
    return new Map(this.#scripts().map(({ url, functions }) => [url, coveredIn(functions)]));
  }

  /** The branches of all watched modules since the last call of this or {@link take}. */
  branches(): BranchCoverage {
    const missed: MissedRange[] = [];
    let branches = 0;
    for (const { url, functions } of this.#scripts()) {
      const file = fileURLToPath(url);
      for (const { startOffset, endOffset, count } of functions.slice(1).flatMap(({ ranges }) => ranges)) {
        branches++;
        if (count === 0) missed.push({ file, start: startOffset, end: endOffset });
      }
    }
    return { branches, covered: branches - missed.length, missed };
  }

  close(): void {
    this.#session.disconnect();
  }

  // The inspector of a process itself answers before `post` returns.
  #scripts(): readonly Script[] {
    let scripts: readonly Script[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      scripts = result;
    });
    return scripts.filter(({ url }) => this.#watched.some((text) => url.includes(text)));
  }
}

// A block of its own stands in the list only where it ran more or less often than what is around it.
function coveredIn(functions: Script['functions']): Uint8Array {
  const covered = new Uint8Array(functions[0]?.ranges[0]?.endOffset ?? 0);
  for (const { ranges } of functions)
    for (const { startOffset, endOffset, count } of ranges) covered.fill(Number(count > 0), startOffset, endOffset);
  return covered;
}

/** Where a range is and how it begins, for people. */
export function describeRange({ file, start, end }: MissedRange): string {
  const text = readFileSync(file, 'utf8');
  const line = text.slice(0, start).split('\n').length;
  return `${file.replace(/^.*\/dist\//, '')}:${line}: ${text.slice(start, end).replace(/\s+/g, ' ').slice(0, 80)}`;
}
