// Owns how results are printed: tables and sentences for people, one JSON document for programs, bare values for scripts.
// Text of foreign origin is escaped here, so that no name can steer a terminal.

import Table from 'cli-table3';
import { escapeText } from '../escape-text.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';

/** How results are wanted. */
export interface OutputFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** A result in its three forms. */
export interface Result {
  readonly json: unknown;
  /** Lines for people, escaped already where it matters; a function where they take time to make. */
  readonly text: string | (() => string);
  /** Lines that a script needs; nothing if absent. */
  readonly quiet?: readonly string[];
}

/** Prints a result in the form that is wanted; `--json` beats `--quiet`. @returns that all is well */
export function print(result: Result, { json = false, quiet = false }: OutputFlags, io: CommandIo): ExitStatus {
  if (json) io.out(`${JSON.stringify(result.json, null, 2)}\n`);
  else if (quiet) io.out((result.quiet ?? []).map((line) => `${escapeText(line)}\n`).join(''));
  else io.out(`${typeof result.text === 'string' ? result.text : result.text()}\n`);
  return ExitStatus.ok;
}

/** A remark beside the result, unless quiet is wanted. */
export function remark(text: string, { quiet = false }: OutputFlags, io: CommandIo): void {
  if (!quiet) io.err(`${escapeText(text)}\n`);
}

const NO_LINES = Object.freeze({
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
});

/** The time that cli-table3 takes grows with the square of the rows. */
const BLOCK_ROWS = 100;

/** A table without lines and colours, in blocks if it is long; `empty` stands in place of one without rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], empty: string): string {
  if (rows.length === 0) return empty;
  const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 0 };
  const blocks: string[] = [];
  for (let at = 0; at < rows.length; at += BLOCK_ROWS) {
    const grid = new Table({ head: [...head], chars: NO_LINES, style });
    grid.push(...rows.slice(at, at + BLOCK_ROWS).map((row) => row.map(escapeText)));
    blocks.push(withoutTrailingSpaces(grid.toString()));
  }
  return blocks.join('\n\n');
}

/** Names and values below each other. */
export function properties(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${escapeText(value)}`.trimEnd()).join('\n');
}

/** A name in a sentence. */
export function shown(text: string): string {
  return escapeText(text);
}

function withoutTrailingSpaces(text: string): string {
  return text.replace(/ +$/gm, '');
}
