// Secrets on the command line do not stay readable for other users (SECURITY.md S55).

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'tap';

const HIDE = new URL('../../src/cli/hide-arguments.js', import.meta.url).href;
const NO_PROC = existsSync('/proc/self/cmdline') ? false : 'there is no /proc on this system';

/** What /proc shows of a child that was started with a secret, after it ran `code`. */
async function commandLineOf(code: string): Promise<string> {
  const argv = ['--input-type=module', '--eval', `${code}; process.stdout.write('ready'); process.stdin.resume();`];
  const child = spawn(
    process.execPath,
    [...argv, '--', '--secret', 'CANARY', '--realm', 'x'.repeat(500), '--user=a:CANARY'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  try {
    await once(child.stdout, 'data');
    return readFileSync(`/proc/${child.pid}/cmdline`, 'latin1');
  } finally {
    child.stdin.end();
    await once(child, 'close');
  }
}

test('S55: after hideArguments the arguments are gone from /proc/PID/cmdline', { skip: NO_PROC }, async (t) => {
  const shown = await commandLineOf(`import { hideArguments } from '${HIDE}'; hideArguments()`);
  t.equal(shown.replaceAll('\0', ''), 'turnd');
});

test('the check itself sees a secret that is not hidden', { skip: NO_PROC }, async (t) => {
  t.match(await commandLineOf(''), /CANARY/);
});
