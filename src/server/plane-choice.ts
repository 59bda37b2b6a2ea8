// Which plane serves, and with how many workers: tried out before anything else is opened.

import type { Config } from '../config/config.ts';
import { TurnServerError } from '../errors.ts';
import { type Libc, loadLibc } from '../planes/linux/libc.ts';
import { LinuxPlane } from '../planes/linux/linux-plane.ts';
import { PlaneCounters } from '../planes/plane-counters.ts';
import { MAX_PORT_WORKERS } from '../planes/port-table.ts';
import { SystemRandom } from '../state/system-random.ts';
import { autoWorkers, readMachineLimits } from './worker-count.ts';

/** Worker processes on the Linux plane. */
export interface LinuxChoice {
  readonly plane: 'linux';
  /** At least 1. */
  readonly workers: number;
  readonly libc: Libc;
}

/** One process on the portable plane. */
export interface PortableChoice {
  readonly plane: 'portable';
  /** A sentence: why not the Linux plane, where the operator has left the choice to us; else null. */
  readonly reason: string | null;
}

/** How datagrams are moved, and by how many. */
export type PlaneChoice = LinuxChoice | PortableChoice;

/** Tries the Linux plane out. Rejects with an error whose message says what is in its way. */
export type ProbeLinux = () => Promise<Libc>;

/** @throws TurnServerError `TURN_PLANE` where the operator wants a plane that this system does not allow */
export async function choosePlane(
  { plane, workers }: Pick<Config, 'plane' | 'workers'>,
  probe: ProbeLinux = probeLinux,
): Promise<PlaneChoice> {
  if (plane === 'portable' || workers === 0) return { plane: 'portable', reason: null };
  try {
    const libc = await probe();
    return {
      plane: 'linux',
      workers: workers === 'auto' ? autoWorkers(readMachineLimits(), MAX_PORT_WORKERS) : workers,
      libc,
    };
  } catch (error) {
    const why = `the linux plane cannot be used here: ${(error as Error).message}`;
    if (plane === 'linux')
      throw new TurnServerError('TURN_PLANE', `plane: ${why}: use --plane auto or portable`, { cause: error });
    return { plane: 'portable', reason: `${why}: one process serves on the portable plane` };
  }
}

async function probeLinux(): Promise<Libc> {
  const libc = await loadLibc();
  const random = new SystemRandom();
  new LinuxPlane({ libc, random, counters: new PlaneCounters(), report: () => {}, coalescing: 0 }).close();
  return libc;
}
