// Checks that many tests of a lab make in the same way.

import type { Test } from 'tap';
import type { Lab } from './lab.ts';
import type { Decoded } from './wire.ts';

/** Asserts that no allocation, quota, relay socket or reservation is held, and that nothing failed. */
export function nothingHeld(t: Test, lab: Lab, message = 'nothing is held'): void {
  const held = {
    allocations: lab.engine.allocations.size,
    reservations: lab.engine.reservations.size,
    quota: lab.quota.total,
    sockets: lab.relays.sockets.size,
    failures: lab.observer.failures,
  };
  t.same(held, { allocations: 0, reservations: 0, quota: 0, sockets: 0, failures: [] }, message);
}

/** The error code of an answer; 0 for a success, and -1 for silence. */
export function codeOf(answer: Decoded | null): number {
  if (answer === null) return -1;
  return answer.cls === 2 ? 0 : (answer.errorCode ?? Number.NaN);
}

/** The port of `ip:port`. */
export function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
