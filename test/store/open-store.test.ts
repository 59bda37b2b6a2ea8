import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { openStore } from '../../src/store/open-store.ts';
import { storeUrl } from './urls.ts';

const DIST = join(dirname(fileURLToPath(import.meta.url)), '../..');
const MODULES = join(DIST, '../node_modules');

test('a SQLite URL opens a file', async (t) => {
  const store = await openStore(storeUrl(`sqlite://${t.testdir({})}/turnd.db`));
  t.equal(store.kind, 'sqlite');
  await store.close();
});

test('without its package a server’s kind is refused with the command that installs it', async (t) => {
  // Not below our own packages.
  const directory = mkdtempSync(join(tmpdir(), 'turnd-no-drivers-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  cpSync(join(DIST, 'src'), join(directory, 'src'), { recursive: true });
  mkdirSync(join(directory, 'node_modules'));
  symlinkSync(join(MODULES, 'kysely'), join(directory, 'node_modules/kysely'));
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(directory, 'open.js'),
    `import { openStore } from './src/store/open-store.js';
     import { parseStoreUrl } from './src/store/store-url.js';
     const { value } = parseStoreUrl(process.argv[2], (path) => path);
     await openStore(value).catch((error) => console.log(error.fault, error.message));`,
  );
  const open = (url: string) => execFileSync(process.execPath, [join(directory, 'open.js'), url], { encoding: 'utf8' });
  const packages = { postgres: 'pg', mysql: 'mysql2', redis: 'ioredis' };
  for (const [scheme, name] of Object.entries(packages)) {
    const said = open(`${scheme}://u:hunter2@127.0.0.1:1/7`);
    t.match(said, new RegExp(`^driver store ${scheme}://u@127\\.0\\.0\\.1:1/7: .*npm install ${name}"`), scheme);
  }
});
