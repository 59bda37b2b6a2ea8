// The desk of an import: typed reading of options, and what comes of it (settings, faults, warnings), each with the
// line that it came from. Knows no option by name.

import type { Entry } from './coturn-file.ts';

/** A value for one key of turnd. */
export interface ImportedSetting {
  readonly path: readonly string[];
  readonly value: unknown;
  /** Why it is so: for the YAML. */
  readonly comment: string;
  /** Where it came from; for a list one for each element. Empty: coturn's default. */
  readonly sources: readonly Entry[];
}

/** What is wrong or odd. */
export interface Remark {
  /** Null: about what is absent. */
  readonly line: number | null;
  readonly option: string;
  readonly message: string;
}

/** Bounds of a number, both included. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

const PORTS: Bounds = { min: 0, max: 65_535 };

/** Collects what an import makes of a file. Messages never repeat a value that may be secret. */
export class Draft {
  readonly settings: ImportedSetting[] = [];
  readonly faults: Remark[] = [];
  readonly warnings: Remark[] = [];
  readonly #entries: ReadonlyMap<string, readonly Entry[]>;

  constructor(entries: readonly Entry[]) {
    this.#entries = byName(entries);
  }

  /** Every line of an option that may be repeated. */
  all(name: string): readonly Entry[] {
    return this.#entries.get(name) ?? [];
  }

  /** The line that counts: coturn takes the last one. */
  last(name: string): Entry | null {
    return this.all(name).at(-1) ?? null;
  }

  /** The last line of any of these options: they set the same thing. */
  lastOf(names: readonly string[]): Entry | null {
    const found = names.flatMap((name) => this.all(name));
    return found.toSorted((a, b) => a.line - b.line).at(-1) ?? null;
  }

  /** A switch; null when absent or wrong. */
  switch(name: string): boolean | null {
    const entry = this.last(name);
    return entry === null ? null : this.switchOf(entry);
  }

  /** Whether a switch is on. */
  isOn(name: string): boolean {
    return this.switch(name) === true;
  }

  /** The position of a switch as coturn reads it, by its first letter. */
  switchOf(entry: Entry): boolean | null {
    const { value } = entry;
    if (value === '' || /^[1-9yYtT]/.test(value) || /^(?:on|ON|On)$/.test(value)) return true;
    if (/^[0nNfF]/.test(value) || /^(?:off|OFF|Off)$/.test(value)) return false;
    this.fault(entry, 'must be on or off, yes or no, 1 or 0, true or false');
    return null;
  }

  /** Text; null when absent. A name without value is a fault. */
  text(name: string): Entry | null {
    const entry = this.last(name);
    return entry !== null && this.hasValue(entry) ? entry : null;
  }

  /** The lines of an option that is repeated; those without a value are faults. */
  texts(name: string): readonly Entry[] {
    return this.all(name).filter((entry) => this.hasValue(entry));
  }

  /** A whole number; null when absent or wrong. */
  number(name: string, bounds: Bounds): number | null {
    const entry = this.text(name);
    if (entry === null) return null;
    const value = /^[+-]?\d{1,15}$/.test(entry.value) ? Number(entry.value) : Number.NaN;
    if (value >= bounds.min && value <= bounds.max) return value;
    this.fault(entry, Number.isNaN(value) ? `must be a whole number${hintOf(entry.value)}` : outside(bounds));
    return null;
  }

  /** A port; null when absent or wrong. */
  port(name: string): number | null {
    return this.number(name, PORTS);
  }

  /** Puts a value to a key. */
  set(path: string, value: unknown, comment: string, sources: readonly (Entry | null)[] = []): void {
    const known = sources.filter((entry) => entry !== null);
    this.settings.push({ path: path.split('.'), value, comment, sources: known });
  }

  fault({ line, name }: Entry, message: string): void {
    this.faults.push({ line, option: name, message });
  }

  /** @param at the line, or the name of an option that is absent */
  warn(at: Entry | string, message: string): void {
    const { line, name } = typeof at === 'string' ? { line: null, name: at } : at;
    this.warnings.push({ line, option: name, message });
  }

  private hasValue(entry: Entry): boolean {
    if (entry.value === '') this.fault(entry, 'needs a value');
    return entry.value !== '';
  }
}

function byName(entries: readonly Entry[]): ReadonlyMap<string, readonly Entry[]> {
  const found = new Map<string, Entry[]>();
  for (const entry of entries) {
    const others = found.get(entry.name);
    if (others === undefined) found.set(entry.name, [entry]);
    else others.push(entry);
  }
  return found;
}

function outside({ min, max }: Bounds): string {
  return max >= Number.MAX_SAFE_INTEGER ? `must be at least ${min}` : `must be from ${min} to ${max}`;
}

function hintOf(value: string): string {
  if (/\s#/.test(value)) return '; a comment needs a line of its own';
  return value.endsWith(';') ? ', without the semicolon' : '';
}
