// A child of shared-memory.test.ts: races for ports of a table in the inherited memory (descriptor 4). A page behind it
// holds the counts of holders.

import { loadLibc } from '../../../src/planes/linux/libc.ts';
import { mapSharedMemory } from '../../../src/planes/linux/shared-memory.ts';
import { PortTable } from '../../../src/planes/port-table.ts';
import { HOLDERS_LENGTH, race } from '../port-race.ts';

const [owner = '', minPort = '', maxPort = '', rounds = ''] = process.argv.slice(2);
const tableLength = PortTable.byteLength(1);
const memory = mapSharedMemory(await loadLibc(), 4, tableLength + 4 * HOLDERS_LENGTH);
const bytes = memory.bytes.subarray(0, tableLength);
const holders = new Int32Array(memory.bytes.buffer, memory.bytes.byteOffset + tableLength, HOLDERS_LENGTH);
const table = new PortTable({ bytes, owner: Number(owner), minPort: Number(minPort), maxPort: Number(maxPort) });

process.once('message', () => {
  const outcome = race(table, holders, Number(rounds), Number(owner));
  // The last port drawn stays held: the parent sees it in its own mapping.
  const kept = table.draw([0], 0, { fill: (target) => void target.fill(0) });
  process.send?.({ ...outcome, kept: kept !== null });
  process.disconnect();
});
process.send?.('ready');
