// Which packages of node_modules turnd needs on one kind of machine, by package-lock.json. It copies nothing.

/** An entry of `packages` in package-lock.json; only what is read here. */
export interface LockedPackage {
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** `packages` of package-lock.json: by path, the project itself under the empty one. */
export type Lock = Readonly<Record<string, LockedPackage>>;

/** Whom a package is for, in npm's words. glibc throughout: Node's own binaries want it. */
export interface Target {
  readonly os: string;
  readonly cpu: string;
}

/**
 * Paths (`node_modules/…`) of all that turnd runs on: dependencies, those that are optional, and the database drivers that
 * package.json names as peers, with all that they depend on. Packages for other machines are left out.
 */
export function packagesFor(lock: Lock, target: Target): string[] {
  const project = lock[''] ?? {};
  const found = new Set<string>();
  const open = namesOf(project, true).flatMap((name) => pathOf(lock, '', name) ?? []);
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const entry = lock[path] ?? {};
    if (found.has(path) || !fits(path, entry, target)) continue;
    found.add(path);
    // What a package wants as a peer is wanted of the project, which has it or does without.
    for (const name of namesOf(entry, false)) open.push(...(pathOf(lock, path, name) ?? []));
  }
  return [...found].sort();
}

function namesOf(entry: LockedPackage, withPeers: boolean): string[] {
  return Object.keys({
    ...entry.dependencies,
    ...entry.optionalDependencies,
    ...(withPeers ? entry.peerDependencies : {}),
  });
}

/** Where Node finds a package from another one: the nearest node_modules upwards. */
function pathOf(lock: Lock, from: string, name: string): [string] | null {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('node_modules/') - 1))) {
    const path = base === '' ? `node_modules/${name}` : `${base}/node_modules/${name}`;
    if (path in lock) return [path];
    if (base === '') return null;
  }
}

function fits(path: string, { os, cpu }: LockedPackage, target: Target): boolean {
  const isMusl = /-linux-.*musl|linux-[^/]*-musl/.test(path);
  return !isMusl && (os?.includes(target.os) ?? true) && (cpu?.includes(target.cpu) ?? true);
}
