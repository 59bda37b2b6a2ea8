// The system calls for tests of the Linux plane: decides between skipping and failing where they cannot be had.

import { type Libc, LibcUnavailableError, loadLibc } from '../../src/planes/linux/libc.ts';

/** The calls, and the reason to skip (or `false`) for the options of a tap test. */
export interface LibcUnderTest {
  /** Throws where the calls cannot be had: under TURND_TEST_REQUIRE_ALL=1 the tests run all the same, and fail. */
  readonly libc: Libc;
  readonly skip: string | false;
}

/** The calls of this system. A missing package is a reason to skip, except under TURND_TEST_REQUIRE_ALL=1. */
export async function findLibc(): Promise<LibcUnderTest> {
  try {
    return { libc: await loadLibc(), skip: false };
  } catch (error) {
    if (!(error instanceof LibcUnavailableError)) throw error;
    const { TURND_TEST_REQUIRE_ALL } = process.env;
    return {
      get libc(): Libc {
        throw error;
      },
      skip: TURND_TEST_REQUIRE_ALL === '1' ? false : `no Linux plane here: ${error.message}`,
    };
  }
}
