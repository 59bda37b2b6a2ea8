// S63: what is installed beside turnd is few, known, locked, and runs nothing while it is installed.

import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'tap';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly peer?: boolean;
  readonly hasInstallScript?: boolean;
}

const ROOT = new URL('../../', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, ROOT), 'utf8'));
const PACKAGES: [string, Locked][] = Object.entries(
  read('package-lock.json').packages as Record<string, Locked>,
).filter(([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true);
const nameOf = (path: string): string => path.replace(/^.*node_modules\//, '');

/** A new one is a decision: who maintains it, what it drags in, and why turnd cannot do without it. */
const DIRECT = [
  ...['@clack/prompts', '@hono/node-server', '@peculiar/x509', 'cli-table3', 'commander', 'dgram-as-promised', 'hono'],
  ...['koffi', 'kysely', 'libsql', 'pino', 'pino-pretty', 'reflect-metadata', 'yaml', 'zod'],
];
/** All that is installed with them, on whatever system. */
const MOST = 120;

test('S63 the packages that turnd runs on are those that were decided for', async (t) => {
  const { dependencies, optionalDependencies } = read('package.json');
  t.same(Object.keys({ ...dependencies, ...optionalDependencies }).sort(), DIRECT);
  t.ok(PACKAGES.length > DIRECT.length);
  t.ok(PACKAGES.length <= MOST, `${PACKAGES.length} packages`);
});

test('S63 each of them is locked to what a registry gave, by a hash', async (t) => {
  for (const [path, { version, resolved, integrity }] of PACKAGES) {
    t.match(version, /^\d+\.\d+\.\d+/, path);
    // Absent: from whatever registry is in use. Never from elsewhere.
    t.match(resolved ?? 'https://registry.npmjs.org/', /^https:\/\/registry\.npmjs\.org\//, path);
    t.match(integrity, /^sha512-/, path);
  }
});

// koffi has one that compiles where no binary of it fits; what turnd uses are the binaries, which need none.
test('S63 none of them runs a script when it is installed, but koffi, which turnd works without', async (t) => {
  const scripted = PACKAGES.filter(([, { hasInstallScript }]) => hasInstallScript === true);
  t.same(
    scripted.map(([path]) => nameOf(path)),
    ['koffi'],
  );
  t.ok(Object.hasOwn(read('package.json').optionalDependencies, 'koffi'));
  const binaries = readdirSync(new URL('node_modules/@koromix/', ROOT)).filter((name) => name.startsWith('koffi-'));
  t.ok(binaries.length > 0, 'the binary is a package of its own');
});
