// systemd/turnd.service: how much it takes away from turnd, and that it fits what turnd does. deb.test.ts starts it.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { findProgram } from '../support/foreign-program.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const UNIT = `${ROOT}systemd/turnd.service`;
const TEXT = readFileSync(UNIT, 'utf8');
const analyze = findProgram('TURND_TEST_SYSTEMD_ANALYZE', ['/usr/bin/systemd-analyze']);
/** The bar, in tenths. */
const MOST_EXPOSURE = 20;

const SOURCES = readdirSync(`${ROOT}src`, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, text: readFileSync(`${ROOT}src/${path}`, 'utf8') }));

const settingOf = (key: string): string | undefined => new RegExp(`^${key}=(.*)$`, 'm').exec(TEXT)?.[1];

test('S61 systemd-analyze security finds the unit no more exposed than 2.0', { skip: analyze.skip }, async (t) => {
  const args = ['security', '--offline=true', `--threshold=${MOST_EXPOSURE}`, '--no-pager', UNIT];
  // It exits with 1 beyond the threshold.
  const said = execFileSync(analyze.path, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const level = /Overall exposure level for turnd\.service: ([\d.]+)/.exec(said)?.[1];
  t.ok(Number(level) <= MOST_EXPOSURE / 10, `exposure ${level}`);
});

test('S61 the unit leaves turnd one capability, and no way to more', async (t) => {
  t.equal(settingOf('User'), 'turnd');
  t.equal(settingOf('AmbientCapabilities'), 'CAP_NET_BIND_SERVICE');
  t.equal(settingOf('CapabilityBoundingSet'), 'CAP_NET_BIND_SERVICE');
  t.equal(settingOf('NoNewPrivileges'), 'yes');
  t.equal(settingOf('ProtectSystem'), 'strict');
  t.match(TEXT, /^SystemCallFilter=@system-service$/m);
  t.match(TEXT, /^SystemCallFilter=~@privileged @resources$/m);
});

test('V8 compiles at run time: memory that is written and then executed stays allowed', async (t) => {
  t.equal(settingOf('MemoryDenyWriteExecute'), undefined);
});

// Type=notify without a READY=1 would be a start that fails after 90 s; a watchdog without pings, a kill after 15 s.
test('the unit waits for READY=1, and for a watchdog’s pings, if and only if turnd sends them', async (t) => {
  const notifies = SOURCES.some(({ text }) => text.includes('NOTIFY_SOCKET'));
  t.equal(settingOf('Type'), notifies ? 'notify' : 'exec');
  t.equal(settingOf('WatchdogSec') !== undefined, notifies);
  t.equal(settingOf('NotifyAccess'), 'main');
});

test('with ProcSubset=pid there is no /proc but that of processes: nothing else is read', async (t) => {
  t.equal(settingOf('ProcSubset'), 'pid');
  const elsewhere = SOURCES.filter(({ text }) => {
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
    return /\/proc\/(?!self\b|\$\{|thread-self\b|\d)/.test(code);
  });
  t.same(
    elsewhere.map(({ path }) => path),
    [],
  );
});

test('what turnd does by itself ends before systemd loses patience, and a wrong configuration is not tried again', async (t) => {
  t.ok(Number(settingOf('TimeoutStopSec')) >= 30);
  t.equal(settingOf('Restart'), 'always');
  t.equal(settingOf('RestartPreventExitStatus'), '2');
  t.equal(settingOf('StateDirectory'), 'turnd');
  t.equal(settingOf('RuntimeDirectory'), 'turnd');
  t.ok(Number(settingOf('LimitNOFILE')) >= 65_536);
});
