// Puts coturn's secrets and turnd's ends of them together.

import type { StoredSecret } from '../store.ts';
import { readAll, readNumber, readSecret } from './rows.ts';
import type { SqlRow } from './sql-connection.ts';

/** The secrets; an end without its secret counts for nothing. */
export function readSecrets(secrets: readonly SqlRow[], ends: readonly SqlRow[]): readonly StoredSecret[] {
  const endOf = new Map<string, number | null>();
  for (const row of ends) {
    const id = readSecret(row);
    if (id !== null) endOf.set(keyOf(id.realm, id.value), readNumber(row['expires_at']));
  }
  return readAll(secrets, (row) => {
    const id = readSecret(row);
    return id === null ? null : { ...id, expiresAt: endOf.get(keyOf(id.realm, id.value)) ?? null };
  });
}

function keyOf(realm: string, value: string): string {
  return JSON.stringify([realm, value]);
}
