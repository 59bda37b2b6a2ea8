// Counters as plain data: what can be sent, added up and kept. Knows no counter by name, but what is no count.

/** Counters by name; an array where they are numbered. */
export interface CounterTree {
  readonly [name: string]: number | readonly number[] | CounterTree;
}

/** Reads all counters of an object: numbers, maps and typed arrays of numbers, and objects of these. */
export function readCounters(counters: object): CounterTree {
  const tree: Record<string, number | readonly number[] | CounterTree> = {};
  for (const [name, value] of counters instanceof Map ? counters : Object.entries(counters)) {
    if (typeof value === 'number') tree[name] = value;
    else if (value instanceof Float64Array) tree[name] = [...value];
    else if (typeof value === 'object' && value !== null) tree[name] = readCounters(value);
  }
  return tree;
}

/** The sum of two trees; what only one of them has counts as it is. */
export function addCounters(left: CounterTree, right: CounterTree): CounterTree {
  const sum: Record<string, number | readonly number[] | CounterTree> = { ...left };
  for (const [name, value] of Object.entries(right))
    sum[name] = Object.hasOwn(sum, name) ? add(sum[name], value) : value;
  return sum;
}

function add(left: CounterTree[string] | undefined, right: CounterTree[string]): CounterTree[string] {
  if (typeof left === 'number' && typeof right === 'number') return left + right;
  if (isList(left) && isList(right)) return right.map((value, index) => value + (left[index] ?? 0));
  if (isTree(left) && isTree(right)) return addCounters(left, right);
  return right;
}

function isList(value: CounterTree[string] | undefined): value is readonly number[] {
  return Array.isArray(value);
}

function isTree(value: CounterTree[string] | undefined): value is CounterTree {
  return typeof value === 'object' && !Array.isArray(value);
}

/** What stands below this name is so only now (live allocations, memory): it ends with whoever told it. */
const NOW = 'now';

/** The counters of workers that come and go: what dead ones have counted stays, so that no total goes backwards. */
export class CounterTotals {
  #ended: CounterTree = {};
  readonly #live = new Map<number, CounterTree>();

  /** The latest word of a worker. */
  report(worker: number, counters: CounterTree): void {
    this.#live.set(worker, counters);
  }

  /** The worker counts no more; its successor begins at 0. */
  end(worker: number): void {
    const last = this.#live.get(worker);
    this.#live.delete(worker);
    if (last === undefined) return;
    const { [NOW]: _over, ...counted } = last;
    this.#ended = addCounters(this.#ended, counted);
  }

  total(): CounterTree {
    return [...this.#live.values()].reduce(addCounters, this.#ended);
  }
}
