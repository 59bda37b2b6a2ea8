// How a call of a store becomes an answer of an administration: its faults are told to the operator, whatever they are.

import { StoreError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { AdminError } from './administration.ts';

/** What the store answers. @throws AdminError unavailable */
export async function askStore<T>({ name }: Store, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (cause instanceof StoreError) throw new AdminError('unavailable', cause.message, { cause });
    throw new AdminError('unavailable', `the store ${name} failed in an unknown way`, { cause });
  }
}
