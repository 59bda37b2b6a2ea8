// Owns that one record is one line whatever its values hold (SECURITY.md S56), for JSON and for people.

import { escapeText } from '../escape-text.ts';

/**
 * Escapes what JSON lets pass but terminals and line readers act on (C1 controls, U+2028, reordering marks).
 * Such characters stand only inside strings of a JSON line, so the parsed record stays the same.
 */
export function escapeJsonLine(line: string): string {
  return `${escapeText(line.endsWith('\n') ? line.slice(0, -1) : line)}\n`;
}

/** A copy of a parsed record with all its text, keys too, made visible: `\u001b` for an escape character. */
export function escapeRecord(value: unknown): unknown {
  if (typeof value === 'string') return escapeText(value);
  if (Array.isArray(value)) return value.map(escapeRecord);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [escapeText(key), escapeField(key, child)]));
}

/** A stack keeps the line breaks in front of its frames; those of the message inside it do not count. */
function escapeField(key: string, value: unknown): unknown {
  if (key !== 'stack' || typeof value !== 'string') return escapeRecord(value);
  return value
    .split(/\n(?= {4}at )/)
    .map(escapeText)
    .join('\n');
}
