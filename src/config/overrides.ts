// Owns values that come from outside the file: how text becomes a value of a key, and how values are laid over
// the file. It knows neither command line nor environment.

import type { ConfigKey } from './keys.ts';

/** Plain data as YAML and JSON know it. */
export type Tree = { [key: string]: unknown };

/** A value for one key from the command line or the environment. */
export interface Override {
  readonly path: readonly string[];
  readonly value: unknown;
  /** What to name in an error: `--listen`, `TURND_LISTEN`. */
  readonly source: string;
  /** For lists with several sources: the name for each element. */
  readonly elementSources?: readonly string[];
}

/** A fault with the place it was found at. */
export interface Fault {
  readonly source: string;
  readonly message: string;
}

/** Turns text into a value that the key's schema can judge. Lists are separated by commas, or JSON. */
export function valueFromText(
  text: string,
  key: ConfigKey,
  separator: RegExp = /,/,
): { value: unknown } | { error: string } {
  const { forms } = key;
  const isStructured = forms.has('array') || forms.has('object');
  if (isStructured && /^\s*[[{]/.test(text)) return parseJson(text, forms.has('string'));
  if (forms.has('array') && (!forms.has('string') || separator.test(text)))
    return { value: splitList(text, separator) };
  if (forms.has('boolean') && /^(?:true|false)$/.test(text)) return { value: text === 'true' };
  if (forms.has('number') && /^-?\d+(?:\.\d+)?$/.test(text)) return { value: Number(text) };
  return { value: text };
}

/** Lays overrides over the tree of a file; lists are replaced, not joined. The tree given stays as it is. */
export function applyOverrides(tree: Tree, overrides: readonly Override[]): Tree {
  const result = structuredClone(tree);
  for (const override of overrides) setAt(result, override.path, override.value);
  return result;
}

/** The source of the value at `path`, if an override put it there. */
export function sourceAt(overrides: readonly Override[], path: readonly PropertyKey[]): string | null {
  for (const override of overrides.toReversed()) {
    if (!override.path.every((step, index) => path[index] === step)) continue;
    const element = path[override.path.length];
    const elementSource = typeof element === 'number' ? override.elementSources?.[element] : undefined;
    return elementSource ?? override.source;
  }
  return null;
}

/** Whether a value is an object with keys (not a list, not null). */
export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function setAt(tree: Tree, path: readonly string[], value: unknown): void {
  let node = tree;
  for (const step of path.slice(0, -1)) {
    node[step] ??= {};
    const next = node[step];
    // The file has a scalar where a section belongs: the schema will say so.
    if (!isTree(next)) return;
    node = next;
  }
  const last = path.at(-1);
  if (last !== undefined) node[last] = value;
}

// The engine's own message would quote the text, which may be a secret (S55).
function parseJson(text: string, isTextAllowed: boolean): { value: unknown } | { error: string } {
  try {
    return { value: JSON.parse(text) };
  } catch {
    // `[2001:db8::1]` looks like JSON; where text is allowed, the schema judges it.
    return isTextAllowed ? { value: text } : { error: 'is not valid JSON' };
  }
}

function splitList(text: string, separator: RegExp): string[] {
  return text
    .split(separator)
    .map((element) => element.trim())
    .filter((element, index, all) => element !== '' || index < all.length - 1);
}
