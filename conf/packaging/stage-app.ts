// Lays out what runs: turnd as built, with the packages that it needs and nothing else. The Debian package and the
// container image are made of it. `node dist/conf/packaging/stage-app.js DIRECTORY`
//
// Packages are copied from the project's node_modules, where `npm ci` has checked each of them against its hash: no registry
// is asked, and the same clone gives the same bytes.

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Lock, packagesFor, type Target } from './locked-packages.ts';

/** The directory of package.json. */
export const PROJECT: string = fileURLToPath(new URL('../../../', import.meta.url));

/** What nobody needs at run time. Licences have none of these. */
const LEFT_OUT: ReadonlySet<string> = new Set(['.map', '.ts', '.mts', '.cts', '.md', '.flow', '.markdown']);

/** The project's package.json; only what is read here. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
}

/** Reads a JSON file of the project. */
export function readProject<T>(name: string): T {
  return JSON.parse(readFileSync(join(PROJECT, name), 'utf8')) as T;
}

/**
 * Fills an empty directory.
 * @throws Error where a package for the target is not installed: `npm ci --os linux --cpu …` installs it
 */
export function stageApp(directory: string, target: Target): void {
  const { name, version, description, license } = readProject<Manifest>('package.json');
  mkdirSync(directory, { recursive: true });
  const manifest = { name, version, description, license, type: 'module', private: true };
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const path of ['LICENSE', 'conf/turnd.yaml', 'docs/check.html', 'dist/src']) copy(path, directory);
  for (const path of neededPackages(target)) copy(path, directory);
}

function neededPackages(target: Target): string[] {
  const { packages } = readProject<{ readonly packages: Lock }>('package-lock.json');
  const needed = packagesFor(packages, target);
  const missing = needed.filter((path) => !existsSync(join(PROJECT, path)));
  if (missing.length === 0) return needed;
  throw new Error(`not installed: ${missing.join(', ')} (npm ci --os=${target.os} --cpu=${target.cpu})`);
}

function copy(path: string, directory: string): void {
  const source = join(PROJECT, path);
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  cpSync(source, join(directory, path), {
    recursive: true,
    // A package's own node_modules are packages of the lock, and come by themselves.
    filter: (from) => !LEFT_OUT.has(extname(from)) && !from.slice(source.length).includes('/node_modules'),
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [directory] = process.argv.slice(2);
  if (directory === undefined) throw new Error('usage: stage-app.js DIRECTORY');
  stageApp(directory, { os: process.platform, cpu: process.arch });
}
