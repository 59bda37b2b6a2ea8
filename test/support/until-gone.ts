// Waits for the end of a process that is no child of ours. Its death makes no event here, so it is looked for.

import { patiently } from './raw-client.ts';

/** Resolves once the process is no more. */
export function untilGone(pid: number): Promise<void> {
  const gone = new Promise<void>((resolve) => {
    const look = (): void => {
      if (isAlive(pid)) setTimeout(look, 5).unref();
      else resolve();
    };
    look();
  });
  return patiently(`the end of process ${pid}`, gone);
}

/** Ends a process that should have ended by itself. */
export function killIfAlive(pid: number): void {
  if (isAlive(pid)) process.kill(pid, 'SIGKILL');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
