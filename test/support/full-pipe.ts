// A standard output that nobody reads.

import { execFileSync } from 'node:child_process';
import { constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Teardown, temporaryDirectory } from './turnd-process.ts';

/** A pipe without room, whose reader sleeps. */
export function openFullPipe(t: Teardown): number {
  const path = join(temporaryDirectory(t), 'pipe');
  execFileSync('mkfifo', [path]);
  const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const chunk = Buffer.alloc(4096, '.');
  try {
    for (;;) writeSync(pipe, chunk);
  } catch {
    return pipe; // EAGAIN: it is full
  }
}
