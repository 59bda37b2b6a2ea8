// The form of coturn's configuration file, read line by line as coturn reads it: what is a name, what a value. Knows
// no option.

/** One line that sets something. */
export interface Entry {
  /** From 1. */
  readonly line: number;
  readonly name: string;
  /** Empty when there is none, which means `true` for a switch. */
  readonly value: string;
}

/** A line that is wrong, whatever it sets. */
export interface LineFault {
  readonly line: number;
  readonly message: string;
}

/** What a file says. */
export interface CoturnFile {
  readonly entries: readonly Entry[];
  readonly faults: readonly LineFault[];
}

/** coturn reads a line into a buffer of this size, its end included, and takes the rest for another line. */
const MAX_LINE_BYTES = 1023;

/** What C takes for white space. */
const BLANKS = /^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g;

/** Reads the text of a file. Messages never repeat a line: it may hold a password. Never throws. */
export function parseCoturnFile(text: string): CoturnFile {
  const entries: Entry[] = [];
  const faults: LineFault[] = [];
  for (const [index, raw] of linesOf(text).entries()) {
    const trimmed = raw.replace(BLANKS, '');
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const line = index + 1;
    const message = faultOf(raw, trimmed);
    if (message === null) entries.push({ line, ...split(trimmed) });
    else faults.push({ line, message });
  }
  return { entries, faults };
}

/** The lines of a text without byte order mark. */
export function linesOf(text: string): string[] {
  return text.replace(/^\ufeff/, '').split('\n');
}

/** The name ends at the first blank or `=`; any number of them may stand before the value. */
export function split(line: string): { readonly name: string; readonly value: string } {
  const end = line.search(/[ =\t]/);
  if (end < 0) return { name: line, value: '' };
  return { name: line.slice(0, end), value: unquoted(line.slice(end).replace(/^[ =\t]+/, '')) };
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  return value.slice(1).replace(BLANKS, '').replace(/"$/, '');
}

function faultOf(raw: string, trimmed: string): string | null {
  if (Buffer.byteLength(raw) >= MAX_LINE_BYTES) {
    return `is longer than ${MAX_LINE_BYTES - 1} bytes; coturn would cut it there and read on as if another line began`;
  }
  return trimmed.includes('\0') ? 'has a NUL character, where coturn would stop reading it' : null;
}
