import { test } from 'tap';
import { BUDGET_BYTES } from '../../src/limits/budget-memory.ts';
import { ConnectionMemory } from '../../src/limits/connection-memory.ts';
import { MEMORY_FLAG_BYTES } from '../../src/limits/memory-watch.ts';
import { PortTable } from '../../src/planes/port-table.ts';
import { sharedLength, sharedParts } from '../../src/workers/shared-layout.ts';

for (const relayAddresses of [1, 2]) {
  test(`the parts fill the memory for ${relayAddresses} relay addresses and do not overlap`, async (t) => {
    const sizes = { relayAddresses, workers: 3 };
    const bytes = new Uint8Array(sharedLength(sizes));
    const { ports, budgets, connections, memory } = sharedParts(bytes, sizes);
    t.equal(ports.length, PortTable.byteLength(relayAddresses));
    t.equal(budgets.length, BUDGET_BYTES);
    t.equal(budgets.byteOffset % 8, 0, 'numbers lie where they can be read');
    t.equal(connections.length, ConnectionMemory.byteLength(3));
    t.equal(connections.byteOffset % 8, 0);
    t.equal(memory.length, MEMORY_FLAG_BYTES);
    for (const [index, part] of [ports, budgets, connections, memory].entries()) part.fill(index + 1);
    t.same(
      [1, 2, 3, 4].map((value) => bytes.indexOf(value)),
      [0, ports.length, ports.length + budgets.length, bytes.length - MEMORY_FLAG_BYTES],
    );
    t.same(
      [bytes.lastIndexOf(1), bytes.lastIndexOf(2), bytes.lastIndexOf(3), bytes.at(-1)],
      [ports.length - 1, ports.length + budgets.length - 1, ports.length + budgets.length + connections.length - 1, 4],
    );
  });
}
