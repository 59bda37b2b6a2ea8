// Owns the list of everything that is wrong with a configuration, and where each fault stands.

import { escapeText } from '../escape-text.ts';
import type { ValueFault } from './issues.ts';
import { type Fault, type Override, sourceAt } from './overrides.ts';
import type { SourceText } from './yaml-source.ts';

/** Collects faults of all kinds and gives each one its place. */
export class FaultReport {
  readonly #fileName: string;
  readonly #source: SourceText;
  readonly #overrides: readonly Override[];
  readonly #inFile: { offset: number; text: string }[] = [];
  readonly #elsewhere: string[] = [];

  constructor(fileName: string, source: SourceText, overrides: readonly Override[]) {
    this.#fileName = fileName;
    this.#source = source;
    this.#overrides = overrides;
  }

  /** Whether no fault was added. */
  get isEmpty(): boolean {
    return this.#inFile.length + this.#elsewhere.length === 0;
  }

  /** Adds what the parser of the file refused. */
  addOfSource(): void {
    this.#inFile.push(...this.#source.faults.map(({ offset, message }) => ({ offset, text: message })));
  }

  /** Adds faults that name their source themselves. */
  addOthers(faults: readonly Fault[]): void {
    this.#elsewhere.push(...faults.map(({ source, message }) => `${source}: ${message}`));
  }

  /** Adds faults that say all by themselves. */
  addPlain(faults: readonly string[]): void {
    this.#elsewhere.push(...faults);
  }

  /** Adds faults of values, each with the flag, variable or line that it came from. */
  addOfValues(faults: readonly ValueFault[]): void {
    for (const { path, message, key } of faults) {
      const source = sourceAt(this.#overrides, path);
      const name = this.#source.nameOf(path);
      if (source !== null) this.#elsewhere.push(`${source}: ${message}`);
      else {
        const offset = key === undefined ? this.#source.offsetOf(path) : this.#source.offsetOfKey(path, key);
        this.#inFile.push({ offset, text: name === '' ? message : `${name}: ${message}` });
      }
    }
  }

  /** One line for each fault: those of the file first, in its order. */
  lines(): readonly string[] {
    const ordered = this.#inFile.toSorted((a, b) => a.offset - b.offset);
    const inFile = ordered.map((fault) => this.#placed(fault));
    return [...new Set([...inFile, ...this.#elsewhere])].map(escapeText);
  }

  /** What is odd in the file but no fault. */
  warnings(): readonly string[] {
    return this.#source.warnings.map(({ offset, message }) => this.#placed({ offset, text: message }));
  }

  #placed({ offset, text }: { readonly offset: number; readonly text: string }): string {
    const place = this.#source.place(offset);
    return `${this.#fileName}${place === '' ? '' : `:${place}`} ${text}`;
  }
}
