// The one place that chooses the plane of the servers under test. TURND_TEST_PLANE=linux or =portable says which;
// without it: linux where it can be had.

import { choosePlane } from '../../src/server/plane-choice.ts';

/** How datagrams are moved by a server under test. */
export type TestPlane = 'linux' | 'portable';

// Two workers, so that each test has a chance to find its clients in different processes.
const FLAGS: Readonly<Record<TestPlane, readonly string[]>> = {
  linux: ['--plane', 'linux', '--workers', '2'],
  portable: ['--plane', 'portable'],
};

/** The reason why no server can run on the Linux plane here, or `false`. */
export async function linuxPlaneSkip(): Promise<string | false> {
  const choice = await choosePlane({ plane: 'auto', workers: 1 });
  return choice.plane === 'portable' && (choice.reason ?? 'no reason is given');
}

/** The plane that TURND_TEST_PLANE names; null = none. @throws Error where it names another thing */
export function namedPlane(): TestPlane | null {
  const { TURND_TEST_PLANE: name = '' } = process.env;
  if (name === '') return null;
  if (name !== 'linux' && name !== 'portable') throw new Error(`TURND_TEST_PLANE=${name}: must be linux or portable`);
  return name;
}

/** The plane of the servers under test. */
export const planeUnderTest: TestPlane = namedPlane() ?? ((await linuxPlaneSkip()) === false ? 'linux' : 'portable');

/** Flags with the plane under test before them, unless they name a plane or a number of workers themselves. */
export function withPlane(flags: readonly string[]): readonly string[] {
  const isNamed = flags.some((flag) => /^--(plane|workers)(=|$)/.test(flag));
  return isNamed ? flags : [...FLAGS[planeUnderTest], ...flags];
}
