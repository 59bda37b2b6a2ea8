// Owns the list of everything that is wrong with a configuration, and where each fault stands.

import { escapeText } from '../escape-text.ts';
import type { ValueFault } from './issues.ts';
import { type Fault, type Override, sourceAt } from './overrides.ts';
import type { YamlSource } from './yaml-source.ts';

/** Collects faults of all kinds and gives each one its place. */
export class FaultReport {
  readonly #fileName: string;
  readonly #yaml: YamlSource;
  readonly #overrides: readonly Override[];
  readonly #inFile: { offset: number; text: string }[] = [];
  readonly #elsewhere: string[] = [];

  constructor(fileName: string, yaml: YamlSource, overrides: readonly Override[]) {
    this.#fileName = fileName;
    this.#yaml = yaml;
    this.#overrides = overrides;
  }

  /** Whether no fault was added. */
  get isEmpty(): boolean {
    return this.#inFile.length + this.#elsewhere.length === 0;
  }

  /** Adds what the YAML parser refused. */
  addOfYaml(): void {
    this.#inFile.push(...this.#yaml.faults.map(({ offset, message }) => ({ offset, text: message })));
  }

  /** Adds faults that name their source themselves. */
  addOthers(faults: readonly Fault[]): void {
    this.#elsewhere.push(...faults.map(({ source, message }) => `${source}: ${message}`));
  }

  /** Adds faults of values, each with the flag, variable or line that it came from. */
  addOfValues(faults: readonly ValueFault[]): void {
    for (const { path, message, key } of faults) {
      const source = sourceAt(this.#overrides, path);
      const name = path.map(String).join('.');
      if (source !== null) this.#elsewhere.push(`${source}: ${message}`);
      else {
        const offset = key === undefined ? this.#yaml.offsetOf(path) : this.#yaml.offsetOfKey(path, key);
        this.#inFile.push({ offset, text: name === '' ? message : `${name}: ${message}` });
      }
    }
  }

  /** One line for each fault: those of the file first, in its order. */
  lines(): readonly string[] {
    const ordered = this.#inFile.toSorted((a, b) => a.offset - b.offset);
    const inFile = ordered.map(({ offset, text }) => `${this.#fileName}:${this.#yaml.place(offset)} ${text}`);
    return [...new Set([...inFile, ...this.#elsewhere])].map(escapeText);
  }
}
