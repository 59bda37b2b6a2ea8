// What a metric is, and how its samples are read off a snapshot. Knows no metric by name.

import type { CounterTree } from '../workers/counter-tree.ts';
import type { MetricsSnapshot } from './snapshot.ts';

/** Label values by name. Each is one of few: never what a client has sent. */
export type Labels = Readonly<Record<string, string>>;

/** One number. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** One distribution. */
export interface HistogramSample {
  readonly labels: Labels;
  /** Upper bounds, rising. */
  readonly bounds: readonly number[];
  /** Observations of each bucket alone; one more than bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

interface Described {
  readonly name: string;
  /** One sentence, for the exposition and docs/metrics.md. */
  readonly help: string;
  /** Names of its labels, and the values that each can have. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

/** A metric: what it is called, and where its samples come from. Without samples it is left out. */
export type Metric = Described &
  (
    | { readonly type: 'counter' | 'gauge'; readonly read: (snapshot: MetricsSnapshot) => readonly Sample[] }
    | { readonly type: 'histogram'; readonly read: (snapshot: MetricsSnapshot) => readonly HistogramSample[] }
  );

/** The number at a path of a tree; 0 where there is none, as for what this shape of the server does not count. */
export function numberAt(tree: CounterTree, ...path: readonly string[]): number {
  const value = nodeAt(tree, path);
  return typeof value === 'number' ? value : 0;
}

/** The sum of all numbers below a path. */
export function sumAt(tree: CounterTree, ...path: readonly string[]): number {
  return sumOf(nodeAt(tree, path));
}

/** The list at a path; empty where there is none. */
export function listAt(tree: CounterTree, ...path: readonly string[]): readonly number[] {
  const value = nodeAt(tree, path);
  return isList(value) ? value : [];
}

/** A histogram's numbers at a path, as `Histogram` of the engine counts them. */
export function histogramAt(
  tree: CounterTree,
  path: readonly string[],
  bounds: readonly number[],
  labels: Labels = {},
): HistogramSample {
  const counts = listAt(tree, ...path, 'counts');
  const known = counts.length === bounds.length + 1 ? counts : Array<number>(bounds.length + 1).fill(0);
  return { labels, bounds, counts: known, sum: numberAt(tree, ...path, 'sum') };
}

type Node = CounterTree[string] | undefined;

function nodeAt(tree: CounterTree, path: readonly string[]): Node {
  return path.reduce<Node>((node, name) => (isTree(node) && Object.hasOwn(node, name) ? node[name] : undefined), tree);
}

function sumOf(node: Node): number {
  if (typeof node === 'number') return node;
  if (isList(node)) return node.reduce((sum, value) => sum + value, 0);
  return isTree(node) ? Object.values(node).reduce<number>((sum, value) => sum + sumOf(value), 0) : 0;
}

function isTree(node: Node): node is CounterTree {
  return typeof node === 'object' && !Array.isArray(node);
}

function isList(node: Node): node is readonly number[] {
  return Array.isArray(node);
}
