// Tells coturn's configuration from turnd's by content. Reads neither.

import { linesOf, split } from './coturn-file.ts';
import { findOption } from './options.ts';

/** How YAML begins: a document, a directive, a flow or list, or a key with its colon. */
const YAML_LINE = /^(?:---|%|[{[?&!]|- |-$|"[^"]*"\s*:|'[^']*'\s*:|[^\s=#"'][^=#]*:(?:\s|$))/;
const ASSIGNMENT = /^[A-Za-z][\w-]*[ \t]*=/;
/** A switched-off setting in coturn's own example. turnd's have a colon. */
const COMMENTED = /^#[ \t]*([A-Za-z][\w-]*)[ \t]*(?:=|$)/;

/**
 * Whether this is a configuration of coturn: the first line that can be only one of both decides. In a file of comments
 * only, they do; a file that says nothing at all is turnd's.
 */
export function looksLikeCoturn(text: string): boolean {
  const lines = linesOf(text).map((line) => line.trim());
  const said = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (said.length === 0) return lines.some((line) => isOption(COMMENTED.exec(line)?.[1] ?? ''));
  for (const line of said) {
    if (isOption(split(line).name)) return true;
    if (YAML_LINE.test(line)) return false;
  }
  return said.some((line) => ASSIGNMENT.test(line));
}

function isOption(name: string): boolean {
  return findOption(name) !== null;
}
