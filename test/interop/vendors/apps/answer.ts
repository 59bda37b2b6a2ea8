// How the apps here tell the test that runs them what they have got.

import type { AppIceServer } from '../../../support/ice-relay.ts';

/** What an app hands to its pages, or how it was refused. */
export type AppAnswer =
  | { readonly iceServers: readonly AppIceServer[] }
  | { readonly status: number; readonly error: unknown };

/** Prints it as one line. */
export function answer(what: AppAnswer): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
