// A small disk that a test can fill: a tmpfs. Needs root on Linux.

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Teardown } from './turnd-process.ts';

/** Why there is none here, or false: what `skip` of tap takes. */
export const NO_TMPFS: string | false = canMount() ? false : 'this user cannot mount a tmpfs';

/** Mounts one for a test and returns its directory. */
export function mountSmallDisk(t: Teardown, kibibytes = 64): string {
  const directory = mount(kibibytes);
  t.teardown(() => unmount(directory));
  return directory;
}

/** Writes a file until the disk is full. Remove it to make room. */
export function fillUp(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4096, '.'));
  } catch {
    // Full: that is what was wanted.
  } finally {
    closeSync(file);
  }
}

function mount(kibibytes: number): string {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k,mode=755`, 'tmpfs', directory], { stdio: 'pipe' });
  return directory;
}

// Lazily: whoever was killed may still hold a file of it open.
function unmount(directory: string): void {
  execFileSync('umount', ['-l', directory], { stdio: 'pipe' });
  rmSync(directory, { recursive: true, force: true });
}

function canMount(): boolean {
  try {
    unmount(mount(64));
    return true;
  } catch {
    return false;
  }
}
