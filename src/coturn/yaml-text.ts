// An import as the text of a turnd.yaml, with comments that say why each key is as it is, and what did not come over.

import { Document, isMap, isScalar, type Scalar, type YAMLMap } from 'yaml';
import { escapeText } from '../escape-text.ts';
import type { ImportedSetting, Remark } from './draft.ts';
import type { CoturnImport } from './import-coturn.ts';

/** As in conf/turnd.yaml. */
const ORDER = [
  'realm',
  'listen',
  'relay',
  'auth',
  'store',
  'statsdb',
  'tls',
  'limits',
  'peers',
  'protocol',
  'workers',
  'log',
];
const WIDTH = 110;

/** Writes an import without faults. `source` names the file that it was made of. */
export function yamlText(imported: CoturnImport, source: string): string {
  const settings = imported.settings.toSorted((a, b) => rank(a) - rank(b));
  const document = new Document(treeOf(settings));
  document.commentBefore = asComment(header(imported, source));
  for (const { path, comment } of settings) annotate(document, path, comment);
  return document.toString({ lineWidth: 0 });
}

function rank({ path }: ImportedSetting): number {
  return ORDER.indexOf(path[0] ?? '');
}

type Tree = { [key: string]: unknown };

function treeOf(settings: readonly ImportedSetting[]): Tree {
  const tree: Tree = {};
  for (const { path, value } of settings) {
    let node = tree;
    for (const step of path.slice(0, -1)) {
      node[step] ??= {};
      node = node[step] as Tree;
    }
    node[path.at(-1) ?? ''] = value;
  }
  return tree;
}

function header({ warnings, notes }: CoturnImport, source: string): string[] {
  return [
    `Made of ${source} by turnctl config import-coturn. "turnctl config check FILE" checks it.`,
    ...section('What is different, or did not come over:', warnings),
    ...section('What turnd does anyway:', notes),
  ];
}

function section(title: string, remarks: readonly Remark[]): string[] {
  return remarks.length === 0 ? [] : ['', title, ...remarks.map(remarkText)];
}

function remarkText({ line, option, message }: Remark): string {
  return `- ${option}${line === null ? '' : ` (line ${line})`}: ${message}`;
}

function annotate(document: Document, path: readonly string[], comment: string): void {
  let map: unknown = document.contents;
  for (const [index, step] of path.entries()) {
    const pair = pairOf(map, step);
    if (pair === null) return;
    if (index === path.length - 1) pair.key.commentBefore = asComment([comment]);
    map = pair.value;
  }
}

function pairOf(map: unknown, key: string): { readonly key: Scalar; readonly value: unknown } | null {
  if (!isMap(map)) return null;
  const pair = (map as YAMLMap).items.find((item) => isScalar(item.key) && item.key.value === key);
  return pair !== undefined && isScalar(pair.key) ? { key: pair.key, value: pair.value } : null;
}

/** One blank before each line; none of them can end the comment. */
function asComment(lines: readonly string[]): string {
  return lines
    .flatMap((line) => wrap(escapeText(line)))
    .map((line) => (line === '' ? '' : ` ${line}`))
    .join('\n');
}

function wrap(line: string): string[] {
  if (line.length <= WIDTH) return [line];
  const cut = line.lastIndexOf(' ', WIDTH);
  if (cut <= 2) return [line];
  return [line.slice(0, cut), ...wrap(`  ${line.slice(cut + 1)}`)];
}
