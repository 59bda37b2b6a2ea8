// What `turnctl init` writes starts a server, and what it prints is let in: by coturn's client.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'tap';
import { TURNCTL } from '../support/firewall-rules.ts';
import { findFreePort } from '../support/free-ports.ts';
import { RawClient } from '../support/raw-client.ts';
import { startTurndWith, temporaryDirectory } from '../support/turnd-process.ts';

for (const kind of ['secret', 'user']) {
  test(`init --auth ${kind}: turnd starts, and the printed credential allocates`, async (t) => {
    const cwd = temporaryDirectory(t);
    const port = await findFreePort('127.0.0.1');
    const flags = ['--yes', '--json', '--auth', kind, '--external-address', 'none', '--port', String(port)];
    const made = spawnSync(process.execPath, [TURNCTL, 'init', ...flags, '--domain', 'localhost'], {
      cwd,
      encoding: 'utf8',
    });
    t.equal(made.status, 0, made.stderr);
    const { iceServers } = JSON.parse(made.stdout);
    const [{ username: user, credential: password, urls }] = iceServers;
    t.equal(urls[0], `turn:localhost:${port}?transport=udp`);
    const state = ['--state-dir', join(cwd, 'state'), '--log-format', 'json'];
    await startTurndWith(t, ['--config', 'turnd.yaml', ...state], { cwd });
    for (const transport of ['udp', 'tcp'] as const) {
      const client = await RawClient.open({ host: '127.0.0.1', port, transport, user, password });
      t.teardown(() => client.close());
      t.ok((await client.allocated()).port >= 49_152, transport);
    }
  });
}
