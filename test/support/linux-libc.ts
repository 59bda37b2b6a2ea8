// The system calls for tests of the Linux plane: whether they can be had here, and copies of them that fail or count as a
// test wants.

import { type Libc, LibcUnavailableError, loadLibc } from '../../src/planes/linux/libc.ts';

/** The calls, and the reason to skip (or `false`) for the options of a tap test. */
export interface LinuxCalls {
  readonly libc: Libc;
  readonly skip: string | false;
}

/** Where the calls are missing tests are skipped, except under TURND_TEST_REQUIRE_ALL=1: then this throws. */
export async function findLibc(): Promise<LinuxCalls> {
  try {
    return { libc: await loadLibc(), skip: false };
  } catch (error) {
    const { TURND_TEST_REQUIRE_ALL: requireAll } = process.env;
    if (!(error instanceof LibcUnavailableError) || requireAll === '1') throw error;
    // Never called: every test that would is skipped.
    return { libc: {} as Libc, skip: error.message };
  }
}

/**
 * A libc whose sendmmsg takes messages only as long as a test's verdict on each is 0, and else ends like the kernel: with
 * what was sent so far, or -1 and the verdict as errno. The verdict is asked with the descriptor and the number of the
 * message, counted over all calls.
 */
export function judgingSends(libc: Libc, verdict: (fd: number, header: Uint8Array) => number): Libc {
  let failed = 0;
  return {
    ...libc,
    errno: () => (failed === 0 ? libc.errno() : failed),
    sendmmsg: (fd, messages, count, flags) => {
      failed = 0;
      let taken = 0;
      while (taken < count) {
        failed = verdict(fd, messages.subarray(taken * 64, taken * 64 + 64));
        if (failed !== 0) break;
        taken++;
      }
      if (taken === 0) return -1;
      failed = 0;
      return libc.sendmmsg(fd, messages, taken, flags);
    },
  };
}

/** A libc that counts the calls of each name, apart from those that only ask for an address or an error. */
export function counting(libc: Libc, counts: Map<string, number>): Libc {
  const copy: Record<string, unknown> = { ...libc };
  for (const [name, call] of Object.entries(libc)) {
    if (typeof call !== 'function' || name === 'errno' || name === 'addressOf') continue;
    copy[name] = (...args: readonly never[]) => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return (call as (...args: readonly never[]) => unknown)(...args);
    };
  }
  return copy as unknown as Libc;
}
