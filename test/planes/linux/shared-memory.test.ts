import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { createSharedMemory, mapSharedMemory, type SharedMemory } from '../../../src/planes/linux/shared-memory.ts';
import { PortTable, workerOwner } from '../../../src/planes/port-table.ts';
import { findLibc } from '../../support/libc-under-test.ts';
import { HOLDERS_LENGTH, type RaceOutcome } from '../port-race.ts';
import { countDescriptors, flagsOf } from './raw-calls.ts';

const found = await findLibc();
const { skip } = found;
const RACERS = 2;

test('two mappings of one memory see each other, and memory begins as zeros', { skip }, async (t) => {
  const first = createSharedMemory(found.libc, 10_000);
  const second = mapSharedMemory(found.libc, first.fd, 10_000);
  t.equal(first.bytes.length, 10_000);
  t.ok(second.bytes.every((byte) => byte === 0));
  first.bytes[0] = 1;
  second.bytes[9_999] = 2;
  t.same([second.bytes[0], first.bytes[9_999]], [1, 2]);
  t.equal(Atomics.compareExchange(first.bytes, 5, 0, 3), 0);
  t.equal(Atomics.compareExchange(second.bytes, 5, 0, 4), 3, 'an exchange in one is a fact in the other');
  first.close();
});

test('the descriptor is closed at exec and by close(), and the bytes outlive it', { skip }, async (t) => {
  const before = countDescriptors();
  const memory = createSharedMemory(found.libc, 4_096);
  t.ok(flagsOf(memory.fd).closedAtExec);
  memory.bytes[7] = 7;
  memory.close();
  memory.close();
  t.equal(countDescriptors(), before);
  t.equal(memory.bytes[7], 7);
});

test('memory that is shorter than it should be is not mapped', { skip }, async (t) => {
  const memory = createSharedMemory(found.libc, 4_096);
  t.throws(() => mapSharedMemory(found.libc, memory.fd, 4_097), RangeError);
  t.equal(fstatSync(memory.fd).size, 4_096, 'the descriptor is still open');
  memory.close();
});

test('memory that cannot be had is an error with a code, and leaks nothing', { skip }, async (t) => {
  const before = countDescriptors();
  t.throws(() => createSharedMemory(found.libc, -1), { code: 'EINVAL', syscall: 'ftruncate' });
  t.equal(countDescriptors(), before);
});

async function startRacer(memory: SharedMemory, worker: number, rounds: number) {
  const program = fileURLToPath(new URL('./shared-memory-child.js', import.meta.url));
  const child = spawn(process.execPath, [program, `${workerOwner(worker)}`, '50000', '50003', `${rounds}`], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', memory.fd],
  });
  await once(child, 'message');
  return child;
}

test('TURN-26: child processes share a port table, and no port is ever held twice', { skip }, async (t) => {
  const length = PortTable.byteLength(1);
  const memory = createSharedMemory(found.libc, length + 4 * HOLDERS_LENGTH);
  const children = await Promise.all(Array.from({ length: RACERS }, (_, worker) => startRacer(memory, worker, 60_000)));
  const outcomes = await Promise.all(
    children.map(async (child) => {
      const answer = once(child, 'message');
      child.send('go');
      return (await answer)[0] as RaceOutcome & { readonly kept: boolean };
    }),
  );
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
  for (const { draws, twice, kept } of outcomes) t.same([draws > 0, twice, kept], [true, 0, true]);
  const table = new PortTable({
    bytes: memory.bytes.subarray(0, length),
    owner: 254,
    minPort: 50_000,
    maxPort: 50_003,
  });
  t.equal(table.free(0), 4 - RACERS, 'the parent sees what each holds');
  t.same([table.releaseAll(workerOwner(0)), table.releaseAll(workerOwner(1))], [1, 1]);
  t.equal(table.free(0), 4);
  memory.close();
});
