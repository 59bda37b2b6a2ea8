// What lies where in the memory that main and its workers share: the port table, then the budgets. Knows neither how the
// memory is made nor what is in its parts.

import { BUDGET_BYTES } from '../limits/budget-memory.ts';
import { PortTable } from '../planes/port-table.ts';

/** The parts of the shared memory. */
export interface SharedParts {
  /** For `PortTable`. */
  readonly ports: Uint8Array;
  /** For `BudgetMemory`. */
  readonly budgets: Uint8Array;
}

/** Bytes of the memory for so many relay addresses. */
export function sharedLength(relayAddresses: number): number {
  return PortTable.byteLength(relayAddresses) + BUDGET_BYTES;
}

/** Cuts the memory into its parts. @param bytes {@link sharedLength} of them, at an address that is a multiple of 8 */
export function sharedParts(bytes: Uint8Array, relayAddresses: number): SharedParts {
  const ports = PortTable.byteLength(relayAddresses);
  return { ports: bytes.subarray(0, ports), budgets: bytes.subarray(ports, ports + BUDGET_BYTES) };
}
