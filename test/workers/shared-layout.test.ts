import { test } from 'tap';
import { BUDGET_BYTES } from '../../src/limits/budget-memory.ts';
import { PortTable } from '../../src/planes/port-table.ts';
import { sharedLength, sharedParts } from '../../src/workers/shared-layout.ts';

for (const relayAddresses of [1, 2]) {
  test(`the parts fill the memory for ${relayAddresses} relay addresses and do not overlap`, async (t) => {
    const bytes = new Uint8Array(sharedLength(relayAddresses));
    const { ports, budgets } = sharedParts(bytes, relayAddresses);
    t.equal(ports.length, PortTable.byteLength(relayAddresses));
    t.equal(budgets.length, BUDGET_BYTES);
    t.equal(budgets.byteOffset % 8, 0, 'numbers lie where they can be read');
    ports.fill(1);
    budgets.fill(2);
    t.same([bytes[0], bytes.indexOf(2), bytes.lastIndexOf(1), bytes.at(-1)], [1, ports.length, ports.length - 1, 2]);
  });
}
