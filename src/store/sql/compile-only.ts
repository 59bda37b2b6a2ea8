// A query builder that compiles statements and runs none: the connections run them, each within its time.

import { type Dialect, DummyDriver, Kysely } from 'kysely';
import type { AnyTables } from './sql-connection.ts';

/** Builds statements of a dialect. */
export function compileOnly(dialect: Omit<Dialect, 'createDriver'>): Kysely<AnyTables> {
  return new Kysely<AnyTables>({ dialect: { ...dialect, createDriver: () => new DummyDriver() } });
}
