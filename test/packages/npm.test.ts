// The package as npm packs it: what is in it, and that it runs from a tarball.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { test } from 'tap';
import { type Lock, packagesFor } from '../../conf/packaging/locked-packages.ts';
import { labFlags, startTurndWith, type Teardown, temporaryDirectory } from '../support/turnd-process.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (name: string) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
const npm = (...args: readonly string[]): string =>
  execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 });
// The tests run on what is built: packing must not build it anew under them.
const pack = (...args: readonly string[]) =>
  JSON.parse(npm('pack', '--ignore-scripts', '--json', ...args))[0] as { filename: string; files: { path: string }[] };

test('S63 the package holds what runs and what an operator needs: no tests, no sources, no maps', async (t) => {
  const paths = pack('--dry-run').files.map(({ path }) => path);
  const expected =
    /^(dist\/src\/.*\.js|conf\/(turnd\.yaml|fail2ban\/.*|deploy\/.*)|systemd\/turnd\.\w+|docs\/check\.html|(CHANGELOG|SECURITY|README)\.md|LICENSE|package\.json)$/;
  t.same(
    paths.filter((path) => !expected.test(path)),
    [],
  );
  for (const path of [...Object.values(read('package.json').bin as Record<string, string>), 'systemd/turnd.service']) {
    t.ok(paths.includes(path), path);
  }
});

test('publint has nothing to say against it', async (t) => {
  const { messages } = await publint({ pkgDir: ROOT, strict: true, pack: false });
  t.same(
    messages.map((message) => formatMessage(message, read('package.json'))),
    [],
  );
});

test('S63 the bill of materials names what turnd runs on, and nothing that it is made with', async (t) => {
  const { dependencies, devDependencies } = read('package.json') as Record<string, Record<string, string>>;
  const { components } = JSON.parse(npm('sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev')) as {
    components: { name: string; version: string }[];
  };
  const names = components.map(({ name }) => name);
  for (const name of Object.keys(dependencies ?? {})) t.ok(names.includes(name), name);
  for (const name of ['tap', 'typescript', '@biomejs/biome']) t.notOk(names.includes(name), name);
  t.ok(devDependencies);
});

test('turnd serves from the packed tarball, with the packages that npm would install beside it', async (t) => {
  const main = unpack(t);
  const server = await startTurndWith(t, labFlags(temporaryDirectory(t)), { main });
  t.match(await server.ready(), { event: 'ready', version: read('package.json').version });
  t.equal(await server.stop(), 0);
});

/** The tarball as `npm install` lays it out; the path of its main file. */
function unpack(t: Teardown): string {
  const directory = temporaryDirectory(t);
  const { filename } = pack('--pack-destination', directory);
  const home = join(directory, 'node_modules/turnd');
  mkdirSync(home, { recursive: true });
  execFileSync('tar', ['-xzf', join(directory, filename), '-C', home, '--strip-components=1']);
  const { packages } = read('package-lock.json') as { packages: Lock };
  for (const path of packagesFor(packages, { os: process.platform, cpu: process.arch })) {
    // Those inside of another package come with it.
    if (path.lastIndexOf('node_modules/') > 0) continue;
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    symlinkSync(join(ROOT, path), join(directory, path));
  }
  return join(home, 'dist/src/main.js');
}
