// The fail2ban filter of conf/ against lines that the log really writes.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { openLog } from '../../src/log/server-log.ts';
import { type AuthFailureReason, SessionLog } from '../../src/log/session-log.ts';

const FILTER = fileURLToPath(new URL('../../../conf/fail2ban/filter.d/turnd.conf', import.meta.url));
const IS_REQUIRED = process.env['TURND_TEST_REQUIRE_ALL'] === '1';
const IS_THERE = spawnSync('fail2ban-regex', ['--version']).status === 0;
const SKIP = IS_THERE || IS_REQUIRED ? false : 'fail2ban-regex is not installed (Debian: apt-get install fail2ban)';

/** Addresses that the filter finds in a log. */
function banned(file: string): readonly string[] {
  const { stdout } = spawnSync('fail2ban-regex', ['--out', 'ip', file, FILTER], { encoding: 'utf8' });
  return stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '');
}

/** Writes failures to a log file as the server does. */
async function writeLog(
  dir: string,
  format: 'json' | 'pretty',
  failures: readonly (readonly [string, string, AuthFailureReason])[],
) {
  const file = join(dir, `${format}.log`);
  const log = openLog({ level: 'info', format, file, isTerminal: false });
  const sessions = new SessionLog({ logger: log.logger, now: () => 0 });
  for (const [address, user, reason] of failures) sessions.authenticationFailed({ address, user, reason });
  await log.close();
  return file;
}

/** Writes that a source's logins are braked. */
async function writeBraked(dir: string, format: 'json' | 'pretty', braked: readonly (readonly [string, string])[]) {
  const file = join(dir, `braked-${format}.log`);
  const log = openLog({ level: 'info', format, file, isTerminal: false });
  const sessions = new SessionLog({ logger: log.logger, now: () => 0 });
  for (const [address, user] of braked) sessions.authenticationBraked({ address, user });
  await log.close();
  return file;
}

for (const format of ['json', 'pretty'] as const) {
  test(`the filter finds the client of each failed authentication (${format})`, { skip: SKIP }, async (t) => {
    const file = await writeLog(t.testdir(), format, [
      ['192.0.2.1', 'alice', 'wrong-password'],
      ['2001:db8::7', 'mallory', 'unknown-user'],
      ['192.0.2.9', '1700000000:bob', 'expired'],
    ]);
    t.same(banned(file), ['192.0.2.1', '2001:db8::7']);
  });

  test(`S20 the filter finds the client whose logins are braked (${format})`, { skip: SKIP }, async (t) => {
    const file = await writeBraked(t.testdir(), format, [
      ['192.0.2.1', 'alice'],
      ['2001:db8::7', '","client":"203.0.113.66","event":"auth-braked","client":"203.0.113.66",'],
    ]);
    t.same(banned(file), ['192.0.2.1', '2001:db8::7']);
  });

  test(`S56: a user name cannot make the filter ban another address (${format})`, { skip: SKIP }, async (t) => {
    const forged = '"client":"203.0.113.66","reason":"unknown-user",';
    const file = await writeLog(t.testdir(), format, [
      ['192.0.2.9', `x",${forged}`, 'expired'],
      ['192.0.2.9', `x\n{"level":"warn","time":"2026-11-20T21:48:16.057Z","event":"auth-failed",${forged}`, 'expired'],
      [
        '192.0.2.9',
        `\\"\n[2026-11-20 21:48:16.065] WARN: authentication failed {"event":"auth-failed",${forged}`,
        'expired',
      ],
      ['192.0.2.1', `x",${forged}`, 'wrong-password'],
    ]);
    t.same(banned(file), ['192.0.2.1']);
  });
}

test('the filter reads the lines behind the prefix of the journal too', { skip: SKIP }, async (t) => {
  const dir = t.testdir();
  const line = readFileSync(await writeLog(dir, 'json', [['192.0.2.4', 'a', 'unknown-user']]), 'utf8');
  const journal = join(dir, 'journal.log');
  writeFileSync(journal, `2026-11-20T21:48:16.057 host turnd[12]: ${line}`);
  t.same(banned(journal), ['192.0.2.4']);
});
