// Continues with a value that may not be there yet, without making the ready case wait for a microtask.

import type { Awaitable } from './env.ts';

/** Calls `next` with the value: at once if it is there, else when it comes. */
export function whenReady<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
