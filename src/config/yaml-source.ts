// Owns the YAML text of a configuration: its tree, its syntax faults, and the place (line and column) of every value.

import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { isTree, type Tree } from './overrides.ts';

/** A fault at a place of the file. */
export interface PlacedFault {
  readonly offset: number;
  readonly message: string;
}

/** A file that was read, in whatever form it has. */
export interface SourceText {
  readonly tree: Tree;
  readonly faults: readonly PlacedFault[];
  readonly warnings: readonly PlacedFault[];
  /** `line:col` of an offset, both from 1; or the line alone; empty for a place that is none. */
  place(offset: number): string;
  /** What the file calls the key at `path`. */
  nameOf(path: readonly PropertyKey[]): string;
  /** Offset of the value at `path`, or of what holds it when it is missing. */
  offsetOf(path: readonly PropertyKey[]): number;
  /** Offset of the key `key` in the object at `path`. */
  offsetOfKey(path: readonly PropertyKey[], key: string): number;
}

/** Parses the text of a configuration file. Never throws. */
export function parseYaml(text: string): SourceText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  const syntaxFaults = [...[...document.errors, ...document.warnings].map(toFault), ...findDeadAliases(document)];
  const { tree, fault } = syntaxFaults.length === 0 ? toTree(document) : { tree: {}, fault: null };
  return {
    tree,
    faults: fault === null ? syntaxFaults : [fault],
    warnings: [],
    place: (offset) => formatPlace(lines, offset),
    nameOf: (path) => path.map(String).join('.'),
    offsetOf: (path) => offsetOf(document, path),
    offsetOfKey: (path, key) => offsetOfKey(document, path, key),
  };
}

/** An unquoted password that begins with `*` is an alias to YAML. */
function findDeadAliases(document: Document.Parsed): PlacedFault[] {
  const faults: PlacedFault[] = [];
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return;
      faults.push({ offset: alias.range?.[0] ?? 0, message: DEAD_ALIAS });
    },
  });
  return faults;
}

function toTree(document: Document.Parsed): { tree: Tree; fault: PlacedFault | null } {
  try {
    const data = dropNulls(document.toJS({ maxAliasCount: 100 }));
    if (data === undefined) return { tree: {}, fault: null };
    if (isTree(data)) return { tree: data, fault: null };
    return { tree: {}, fault: { offset: 0, message: 'must be a mapping such as "realm: turn.example.com"' } };
  } catch {
    // Aliases that nest or that name nothing; the exception may quote the file.
    return { tree: {}, fault: { offset: 0, message: 'has aliases (*name) that cannot be resolved' } };
  }
}

/** A key without a value, as in a section that is commented out, counts as absent. */
function dropNulls(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map((element) => (element === null ? null : dropNulls(element)));
  if (!isTree(value)) return value;
  const entries = Object.entries(value).filter(([, child]) => child !== null);
  return Object.fromEntries(entries.map(([key, child]) => [key, dropNulls(child)]));
}

/** The parser's messages that quote the file are replaced: what they quote may be a password (S55). */
function toFault(error: YAMLError): PlacedFault {
  return { offset: error.pos[0], message: QUOTING_ERRORS[error.code] ?? error.message };
}

const DEAD_ALIAS = 'an unquoted * begins an alias, and no anchor has this name; put the text between quotes';

const QUOTING_ERRORS: Readonly<Record<string, string>> = Object.freeze({
  BAD_ALIAS: DEAD_ALIAS,
  BAD_DIRECTIVE: 'an unquoted % begins a directive; put the text between quotes',
  BAD_DQ_ESCAPE: 'an unknown escape sequence between double quotes; use single quotes',
  BAD_SCALAR_START: 'text cannot begin with this character; put it between quotes',
  TAG_RESOLVE_FAILED: 'an unquoted ! begins a tag, and this one is unknown; put the text between quotes',
  UNEXPECTED_TOKEN: 'this is not expected here; is the indentation right, is a quote missing?',
});

function formatPlace(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${Math.max(1, line)}:${Math.max(1, col)}`;
}

function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function offsetOfKey(document: Document.Parsed, path: readonly PropertyKey[], key: string): number {
  const holder = path.length === 0 ? document.contents : document.getIn(path, true);
  const pair = isMap(holder)
    ? holder.items.find((item) => isPair(item) && String(keyText(item.key)) === key)
    : undefined;
  return isNode(pair?.key) && pair.key.range ? pair.key.range[0] : offsetOf(document, path);
}

function keyText(key: unknown): unknown {
  return isScalar(key) ? key.value : key;
}
