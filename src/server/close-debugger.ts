// Owns that an environment made for other programs opens no debugger into this one: whoever reaches its port reads every
// secret.

import { close, url } from 'node:inspector';

/**
 * Closes the debugger that NODE_OPTIONS has opened (SECURITY.md S60). One that stands on the command line was meant.
 * @returns whether there was one
 */
export function closeDebugger(): boolean {
  if (url() === undefined || process.execArgv.some((flag) => flag.startsWith('--inspect'))) return false;
  close();
  return true;
}
