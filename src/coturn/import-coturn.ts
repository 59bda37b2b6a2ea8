// The whole way from the text of coturn's configuration to turnd's settings, with the line that each came from. Judges
// what only coturn's file can tell; the schema judges the rest.

import { type Entry, parseCoturnFile } from './coturn-file.ts';
import { Draft, type ImportedSetting, type Remark } from './draft.ts';
import type { ImportHost } from './find-file.ts';
import type { CoturnOption } from './option.ts';
import { findOption, optionNames } from './options.ts';
import { resolveAuth } from './resolve-auth.ts';
import { resolveLimits, resolveLog, resolveProtocol } from './resolve-limits.ts';
import { resolveListen } from './resolve-listen.ts';
import { resolveMetrics } from './resolve-metrics.ts';
import { resolvePeers } from './resolve-peers.ts';
import { resolveRelay } from './resolve-relay.ts';
import { resolveStore } from './resolve-store.ts';
import { resolveTls } from './resolve-tls.ts';

/** What became of a file. */
export interface CoturnImport {
  readonly settings: readonly ImportedSetting[];
  /** In the order of the lines. */
  readonly faults: readonly Remark[];
  readonly warnings: readonly Remark[];
  /** Options that say what turnd does anyway. */
  readonly notes: readonly Remark[];
}

/** Names the candidate that was meant, as ` (did you mean "x"?)`, or nothing. */
export type Suggest = (name: string, candidates: Iterable<string>) => string;

/** coturn's options that count each time; of any other the last line counts. */
const REPEATED = new Set(
  ['listening-ip', 'relay-ip', 'external-ip', 'aux-server', 'user', 'static-auth-secret'].concat(
    ['denied-peer-ip', 'allowed-peer-ip', 'alternate-server', 'tls-alternate-server'],
    ['udp-alternate-server', 'tcp-alternate-server'],
  ),
);

/** Imports a configuration. Never throws on bad input. */
export function importCoturn(text: string, host: ImportHost, suggest: Suggest): CoturnImport {
  const file = parseCoturnFile(text);
  const draft = new Draft(file.entries);
  for (const { line, message } of file.faults) draft.faults.push({ line, option: '', message });
  const reported = new Set<string>();
  for (const entry of file.entries) judge(draft, entry, { reported, suggest });
  // What surprises most comes first.
  resolvePeers(draft);
  resolveListen(draft);
  resolveRelay(draft);
  resolveStore(draft, resolveAuth(draft), host);
  resolveTls(draft, host);
  resolveLimits(draft);
  resolveProtocol(draft);
  resolveMetrics(draft);
  resolveLog(draft, host.cwd);
  return {
    settings: draft.settings,
    faults: inOrder(draft.faults),
    warnings: inOrder(draft.warnings),
    notes: notesOf(file.entries),
  };
}

interface Judging {
  /** Options that were spoken of: one warning for each is enough. */
  readonly reported: Set<string>;
  readonly suggest: Suggest;
}

function judge(draft: Draft, entry: Entry, { reported, suggest }: Judging): void {
  const option = findOption(entry.name);
  if (option === null) {
    draft.faults.push({ line: entry.line, option: printable(entry.name), message: unknown(entry.name, suggest) });
    return;
  }
  if (draft.last(entry.name) !== entry && !REPEATED.has(entry.name)) {
    draft.warn(entry, 'is there again below, and the last one counts');
  } else if (!reported.has(entry.name)) {
    reported.add(entry.name);
    warnOf(draft, entry, option);
  }
  if (/\s#/.test(entry.value))
    draft.warn(entry, '# does not begin a comment here: it is part of the value, as in coturn');
  else if (entry.value.endsWith(';')) draft.warn(entry, 'the semicolon at the end is part of the value, as in coturn');
}

function warnOf(draft: Draft, entry: Entry, option: CoturnOption): void {
  if (option.kind === 'built-in') {
    const position = draft.switchOf(entry);
    if (position !== null && position !== option.position) draft.warn(entry, option.otherwise);
  } else if (option.kind === 'dropped') {
    const isIdle = option.form === 'switch' ? draft.switchOf(entry) !== true : option.idle.includes(entry.value);
    if (!isIdle) draft.warn(entry, option.note);
  }
}

function notesOf(entries: readonly Entry[]): Remark[] {
  const seen = new Set<string>();
  return entries.flatMap(({ line, name }) => {
    const option = findOption(name);
    if (option?.kind !== 'built-in' || seen.has(name)) return [];
    seen.add(name);
    return [{ line, option: name, message: option.note }];
  });
}

function unknown(name: string, suggest: Suggest): string {
  if (printable(name) === '') return 'the line does not begin with the name of an option';
  const bare = name.replace(/^-+/, '');
  if (bare !== name && findOption(bare) !== null) return 'is written without dashes in a file';
  if (/^-?[a-zA-Z]$/.test(name)) return 'short options are for the command line only: write the long name';
  return `is no option of coturn${suggest(bare, optionNames())}`;
}

/** What is no name at all may be a password on a line of its own. */
function printable(name: string): string {
  return /^-*[A-Za-z][\w-]{0,63}$/.test(name) ? name : '';
}

function inOrder(remarks: readonly Remark[]): readonly Remark[] {
  return remarks.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
}
