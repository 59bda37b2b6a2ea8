// koffi is optional: an installation without it serves on the portable plane, and says so once.

import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'tap';
import { RawClient } from '../../support/raw-client.ts';
import {
  labFlags,
  MAIN,
  runTurnd,
  startTurndWith,
  type Teardown,
  temporaryDirectory,
} from '../../support/turnd-process.ts';

const WHY = 'the optional package koffi is not installed, or has no binary for this system';

/** The daemon's path in a copy of this project that has every package but koffi. */
function installWithoutKoffi(t: Teardown): string {
  const root = join(dirname(MAIN), '..', '..');
  const copy = join(temporaryDirectory(t), 'turnd');
  cpSync(join(root, 'dist', 'src'), join(copy, 'dist', 'src'), { recursive: true });
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  mkdirSync(join(copy, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== 'koffi') symlinkSync(join(root, 'node_modules', name), join(copy, 'node_modules', name));
  }
  return join(copy, 'dist', 'src', 'main.js');
}

test('without koffi one process serves on the portable plane, and one line of the log says why', async (t) => {
  const flags = labFlags(temporaryDirectory(t), '--plane', 'auto');
  const server = await startTurndWith(t, flags, { main: installWithoutKoffi(t) });
  t.match(await server.ready(), { plane: 'portable', workers: 0 });
  const lines = server.log.filter(({ event }) => event === 'plane');
  t.match(lines, [
    {
      level: 'warn',
      plane: 'portable',
      msg: `the linux plane cannot be used here: ${WHY}: one process serves on the portable plane`,
    },
  ]);
  t.equal(lines.length, 1);
  const client = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => client.close());
  t.not((await client.allocated()).port, 0);
});

test('without koffi, the Linux plane that was asked for is refused with a sentence', async (t) => {
  const flags = labFlags(temporaryDirectory(t), '--plane', 'linux');
  const ended = await runTurnd(flags, { main: installWithoutKoffi(t) });
  t.equal(ended.stderr, `turnd: plane: the linux plane cannot be used here: ${WHY}: use --plane auto or portable\n`);
  t.equal(ended.code, 1);
});

test('the portable plane that was asked for is no news', async (t) => {
  const server = await startTurndWith(t, labFlags(temporaryDirectory(t), '--plane', 'portable'));
  t.match(await server.ready(), { plane: 'portable', workers: 0 });
  t.notOk(server.log.some(({ event }) => event === 'plane'));
});
