// What lies where in the memory that main and its workers share: the port table, the budgets, connections,
// whether memory is short. Knows neither how the memory is made nor what is in its parts.

import { BUDGET_BYTES } from '../limits/budget-memory.ts';
import { ConnectionMemory } from '../limits/connection-memory.ts';
import { MEMORY_FLAG_BYTES } from '../limits/memory-watch.ts';
import { PortTable } from '../planes/port-table.ts';

/** The parts of the shared memory. */
export interface SharedParts {
  /** For `PortTable`. */
  readonly ports: Uint8Array;
  /** For `BudgetMemory`. */
  readonly budgets: Uint8Array;
  /** For `ConnectionMemory`. */
  readonly connections: Uint8Array;
  /** For `MemoryFlag`. */
  readonly memory: Uint8Array;
}

/** What the memory's size depends on. */
export interface SharedSizes {
  readonly relayAddresses: number;
  readonly workers: number;
}

/** Bytes of the memory. */
export function sharedLength({ relayAddresses, workers }: SharedSizes): number {
  return PortTable.byteLength(relayAddresses) + BUDGET_BYTES + ConnectionMemory.byteLength(workers) + MEMORY_FLAG_BYTES;
}

/** Cuts the memory into its parts. @param bytes {@link sharedLength} of them, at an address that is a multiple of 8 */
export function sharedParts(bytes: Uint8Array, { relayAddresses, workers }: SharedSizes): SharedParts {
  const budgets = PortTable.byteLength(relayAddresses);
  const connections = budgets + BUDGET_BYTES;
  const memory = connections + ConnectionMemory.byteLength(workers);
  return {
    ports: bytes.subarray(0, budgets),
    budgets: bytes.subarray(budgets, connections),
    connections: bytes.subarray(connections, memory),
    memory: bytes.subarray(memory, memory + MEMORY_FLAG_BYTES),
  };
}
