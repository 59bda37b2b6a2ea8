// The package as npm packs it: what is in it, and that it runs from a tarball.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { test } from 'tap';
import { type Lock, packagesFor } from '../../conf/packaging/locked-packages.ts';
import { labFlags, startTurndWith, temporaryDirectory } from '../support/turnd-process.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (name: string) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
const npm = (...args: readonly string[]): string =>
  execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 });
const directory = mkdtempSync(join(tmpdir(), 'turnd-npm-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
// The tests run on what is built: packing must not build it anew under them.
const [packed] = JSON.parse(npm('pack', '--ignore-scripts', '--json', '--pack-destination', directory)) as [
  { readonly filename: string; readonly files: readonly { readonly path: string }[] },
];
const TARBALL = join(directory, packed.filename);

test('S63 the package holds what runs and what an operator needs: no tests, no sources, no maps', async (t) => {
  const paths = packed.files.map(({ path }) => path);
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
  const tarball = Uint8Array.from(readFileSync(TARBALL)).buffer;
  const { messages } = await publint({ strict: true, pack: { tarball } });
  t.same(
    messages.map((message) => formatMessage(message, read('package.json'))),
    [],
  );
});

// Not with --omit dev: npm 11 then leaves out what a development package wants as a peer, too (yaml, reflect-metadata).
test('S63 the bill of materials names what turnd runs on', async (t) => {
  const { dependencies } = read('package.json') as { dependencies: Record<string, string> };
  const { components } = JSON.parse(npm('sbom', '--sbom-format', 'cyclonedx')) as {
    components: { name: string; version: string }[];
  };
  const names = components.map(({ name }) => name);
  for (const name of Object.keys(dependencies)) t.ok(names.includes(name), name);
});

test('turnd serves from the packed tarball, with the packages that npm would install beside it', async (t) => {
  const main = unpack();
  const server = await startTurndWith(t, labFlags(temporaryDirectory(t)), { main });
  t.match(await server.ready(), { event: 'ready', version: read('package.json').version });
  t.equal(await server.stop(), 0);
});

/** The tarball as `npm install` lays it out; the path of its main file. */
function unpack(): string {
  const home = join(directory, 'node_modules/turnd');
  mkdirSync(home, { recursive: true });
  execFileSync('tar', ['-xzf', TARBALL, '-C', home, '--strip-components=1']);
  const { packages } = read('package-lock.json') as { packages: Lock };
  for (const path of packagesFor(packages, { os: process.platform, cpu: process.arch })) {
    // Those inside of another package come with it.
    if (path.lastIndexOf('node_modules/') > 0) continue;
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    symlinkSync(join(ROOT, path), join(directory, path));
  }
  return join(home, 'dist/src/main.js');
}
