// Owns `turnctl config import-coturn --db FROM [--to URL]`: what one store keeps, copied into another.

import { resolve } from 'node:path';
import { importHost } from '../config/coturn-source.ts';
import { tryRead } from '../config/file-reader.ts';
import { loadConfig } from '../config/load-config.ts';
import { suggest } from '../config/suggest.ts';
import { importCoturn } from '../coturn/import-coturn.ts';
import { looksLikeCoturn } from '../coturn/looks-like-coturn.ts';
import { StoreError } from '../errors.ts';
import { escapeText } from '../escape-text.ts';
import { parsePeerRange } from '../net/peer-range.ts';
import { COPIED_KINDS, type CopyReport, copyStore } from '../store/copy-store.ts';
import { emptyStore } from '../store/empty-store.ts';
import { openStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import { nameOf, parseStoreUrl, type SqliteUrl, type StoreUrl } from '../store/store-url.ts';
import { table } from './output.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';

/** From where to where, and how. */
export interface CopyCommand {
  /** A store URL, or a configuration of coturn whose database is meant. */
  readonly db: string;
  /** A store URL; the store of the configuration that turnd would find if absent. */
  readonly to?: string;
  readonly dryRun?: boolean;
  readonly replace?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

type Found = { readonly url: StoreUrl } | { readonly error: string };

/** Copies, and prints what was done. Status 1 when a row could not be copied or a store not be used. */
export async function importStore(command: CopyCommand, io: CommandIo): Promise<ExitStatus> {
  const from = sourceOf(command.db, io);
  if ('error' in from) return refuse(`--db: ${from.error}`, io);
  const to = command.to === undefined ? configuredStore(io) : urlOf(command.to, io);
  if ('error' in to) return refuse(`--to: ${to.error}`, io);
  if (isMissing(from.url, io)) return refuse(`--db: there is no file ${(from.url as SqliteUrl).path}`, io);
  if (nameOf(from.url) === nameOf(to.url)) return refuse(`both are ${nameOf(to.url)}: nothing to copy`, io);
  try {
    // A dry run makes no file: one that is not there has nothing in it.
    const isEmpty = command.dryRun === true && isMissing(to.url, io);
    const openTarget = async (): Promise<Store> => (isEmpty ? emptyStore(nameOf(to.url)) : openStore(to.url));
    const report = await copyBetween(() => openStore(from.url), openTarget, command);
    print(report, command, io);
    return COPIED_KINDS.some((kind) => report.counts[kind].bad > 0) ? ExitStatus.failed : ExitStatus.ok;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    io.err(`${escapeText(error.message)}\n`);
    return ExitStatus.failed;
  }
}

type Open = () => Promise<Store>;

async function copyBetween(
  from: Open,
  to: Open,
  { replace = false, dryRun = false }: CopyCommand,
): Promise<CopyReport> {
  const opened: Store[] = [];
  try {
    for (const open of [from, to]) {
      const store = await open();
      opened.push(store);
      await store.ping();
    }
    const [source, target] = opened as [Store, Store];
    return await copyStore(source, target, { replace, dryRun, rangeFault });
  } finally {
    await Promise.all(opened.map((store) => store.close()));
  }
}

function isMissing(url: StoreUrl, { cwd, reader }: CommandIo): boolean {
  return url.kind === 'sqlite' && !importHost(cwd, reader).exists(url.path);
}

function rangeFault(range: string): string | null {
  const parsed = parsePeerRange(range);
  return 'error' in parsed ? parsed.error : null;
}

function urlOf(text: string, { cwd }: CommandIo): Found {
  const parsed = parseStoreUrl(text, (path) => resolve(cwd, path));
  return 'error' in parsed ? parsed : { url: parsed.value };
}

/** A file is asked for its database; what has a scheme is a URL. */
function sourceOf(text: string, io: CommandIo): Found {
  if (/^[a-z]+:/i.test(text)) return urlOf(text, io);
  return storeOf(resolve(io.cwd, text), io);
}

function storeOf(path: string, io: CommandIo): Found {
  const { cwd, reader } = io;
  const content = tryRead(reader, path);
  if ('error' in content) return content;
  if (!looksLikeCoturn(content.text))
    return { error: `${path} is neither the URL of a store nor a configuration of coturn` };
  const { settings, faults } = importCoturn(content.text, importHost(cwd, reader), suggest);
  const store = settings.find(({ path: key }) => key[0] === 'store');
  if (typeof store?.value === 'string') return urlOf(store.value, io);
  const fault = faults.find(({ option }) => option.endsWith('db'));
  if (fault !== undefined) return { error: `${path}:${fault.line} ${fault.option}: ${fault.message}` };
  return { error: `${path} names no database (userdb, psql-userdb, mysql-userdb, redis-userdb)` };
}

function configuredStore({ env, cwd, reader }: CommandIo): Found {
  const result = loadConfig({ flags: [], configFile: null, env, cwd, reader });
  if (!result.ok) return { error: result.errors.join('\n') };
  const { store } = result.config;
  return store === null ? { error: 'the configuration has no store: name one' } : { url: store.url };
}

function print({ counts, remarks }: CopyReport, { json, quiet, dryRun }: CopyCommand, io: CommandIo): void {
  if (json === true) {
    io.out(`${JSON.stringify({ dryRun: dryRun === true, counts, remarks }, null, 2)}\n`);
    return;
  }
  for (const remark of remarks) io.err(`${escapeText(remark)}\n`);
  if (quiet === true) return;
  const head = [
    'KIND',
    dryRun === true ? 'TO ADD' : 'ADDED',
    dryRun === true ? 'TO REPLACE' : 'REPLACED',
    'ALIKE',
    'KEPT',
    'BAD',
  ];
  const rows = COPIED_KINDS.map((kind) => {
    const { added, replaced, same, kept, bad } = counts[kind];
    return [kind, ...[added, replaced, same, kept, bad].map(String)];
  });
  io.out(`${table(head, rows, '')}\n`);
}

function refuse(error: string, io: CommandIo): ExitStatus {
  io.err(`${escapeText(error)}\n`);
  return ExitStatus.invalid;
}
