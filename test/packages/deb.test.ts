// The Debian package, built, installed, started by a real systemd under the real unit, used, upgraded and purged.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { buildDeb } from '../../conf/packaging/build-deb.ts';
import { BootedSystem, bootSkip } from '../support/booted-system.ts';

const cpu = process.arch === 'arm64' ? 'arm64' : 'x64';
const skip = bootSkip();
const directory = mkdtempSync(join(tmpdir(), 'turnd-deb-'));
const CLIENT = existsSync('/usr/bin/turnutils_uclient');

test('S61 the package runs turnd without root under the shipped unit, and a purge leaves nothing', {
  skip,
}, async (t) => {
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  // A package that is there already, such as the one of a release.
  const deb = process.env['TURND_TEST_DEB'] ?? (await buildDeb({ cpu, output: directory, fast: true }));
  const system = await BootedSystem.boot(t);
  await system.put(deb, '/var/cache/package.deb');
  const facts = (field: string): Promise<string> => system.shell(`systemctl show turnd --property=${field} --value`);

  await t.test('it is installed and started, with a secret of its own', async (t) => {
    const { status, stderr } = await system.run('dpkg', '--install', '/var/cache/package.deb');
    t.equal(status, 0, stderr);
    await system.until('journalctl --unit turnd --output cat', /"event":"ready"/);
    t.equal(await facts('ActiveState'), 'active');
    t.equal(await system.shell('stat -c "%a %U:%G" /etc/turnd/secret'), '640 root:turnd');
    t.match(await system.shell('cat /etc/turnd/secret'), /^[0-9a-f]{64}$/);
    t.match(await system.shell('turnd --version; turnctl --version'), /^\d+\.\d+\.\d+\n\d+\.\d+\.\d+$/);
  });

  await t.test('it has no rights but to bind low ports, and its system calls are filtered', async (t) => {
    const own = await system.shell(`cat /proc/${await facts('MainPID')}/status`);
    t.notMatch(own, /^Uid:\s+0\s/m);
    t.match(own, /^CapEff:\s+0000000000000400$/m, 'CAP_NET_BIND_SERVICE');
    t.match(own, /^CapBnd:\s+0000000000000400$/m);
    t.match(own, /^NoNewPrivs:\s+1$/m);
    t.match(own, /^Seccomp:\s+2$/m);
    const ready = await system.shell('journalctl --unit turnd --output cat --grep \'"ready"\'');
    t.match(ready, /"plane":"linux"/, 'what koffi calls passes the filter');
    t.match(await system.shell('turnctl status'), /udp 10\.99\.0\.1:3478\n[\s\S]*store +.*answers/);
  });

  await t.test('coturn’s client relays through it', { skip: CLIENT ? false : 'no turnutils_uclient' }, async (t) => {
    // By Send: its channel numbers are those of RFC 5766.
    const client = 'turnutils_uclient -y -c -s -n 10 -m 2 -l 200 -W "$(cat /etc/turnd/secret)"';
    for (const transport of ['', '-t']) {
      const said = await system.shell(`${client} ${transport} 10.99.0.1 2>&1`);
      t.match(said, /Total lost packets 0 /, said);
    }
    await system.until('journalctl --unit turnd --output cat', /"event":"allocation-ended".*"reason":"deleted"/);
  });

  await t.test(
    'reload says what is wrong, restart comes back, and a wrong configuration is not tried for ever',
    async (t) => {
      t.equal((await system.run('systemctl', 'reload', 'turnd')).status, 0);
      await system.shell('cp /etc/turnd/turnd.yaml /var/cache/kept.yaml; echo "relm: x" >>/etc/turnd/turnd.yaml');
      t.not((await system.run('systemctl', 'reload', 'turnd')).status, 0);
      t.equal(await facts('ActiveState'), 'active', 'and the old one goes on');
      await system.run('systemctl', 'restart', 'turnd');
      t.equal(await system.until('systemctl show turnd --property=ActiveState --value', /failed/), 'failed');
      t.match(await system.shell('journalctl --unit turnd --output cat'), /relm/);
      await system.shell('cp /var/cache/kept.yaml /etc/turnd/turnd.yaml; systemctl start turnd');
      await system.until('turnctl status --quiet; echo $?', /^0$/m);
      const before = await facts('MainPID');
      await system.shell(`kill -KILL ${before}`);
      t.not(
        await system.until(`systemctl show turnd --property=MainPID --value | grep -vx -e ${before} -e 0`, /\d/),
        before,
      );
      await system.until('turnctl status --quiet; echo $?', /^0$/m);
    },
  );

  await t.test('installing again keeps the secret, and a purge leaves no file', async (t) => {
    const secret = await system.shell('cat /etc/turnd/secret');
    await system.shell('dpkg --install /var/cache/package.deb');
    t.equal(await system.shell('cat /etc/turnd/secret'), secret);
    await system.until('turnctl status --quiet; echo $?', /^0$/m);
    await system.shell('dpkg --purge turnd');
    t.equal(await system.shell('pgrep -u turnd -x node || true'), '');
    const found =
      'find / -xdev -path /proc -prune -o -path /sys -prune -o -name "*turnd*" -newer /var/cache/package.deb -print';
    const kept = (await system.shell(found))
      .split('\n')
      .filter((path) => !/^\/(var\/log\/journal|root|home|work)/.test(path));
    t.same(
      kept.filter((path) => /^\/(etc|usr|var|run|lib)/.test(path)),
      [],
    );
  });
});
