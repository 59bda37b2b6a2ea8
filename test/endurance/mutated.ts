// Ten million mutated datagrams against a running server, beside a call. Prints progress and a verdict; exits 1 if a
// process was replaced, the call lost a packet, descriptors or more than 32 MiB stayed, or the log holds a fault.
//
//   nice node dist/test/endurance/mutated.js [--datagrams 10000000] [--streams 2000] [--seed N]

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { holdingsOf } from '../support/bombardment.ts';
import { besiege, SIEGE_ENVIRONMENT, SIEGE_FLAGS } from '../support/siege.ts';
import { labFlags, TurndProcess } from '../support/turnd-process.ts';
import { workersOf } from '../support/worker-processes.ts';

const MAX_GROWTH = 32 * 1024 * 1024;
const PROGRESS = 1_000_000;
// What a server needs before its memory says anything.
const WARM_UP = 50_000;

function processesOf(server: TurndProcess): number[] {
  return [server.pid, ...workersOf(server).values()];
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      datagrams: { type: 'string', default: '10000000' },
      streams: { type: 'string', default: '2000' },
      seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    },
  });
  const [datagrams, streams, seed] = [Number(values.datagrams), Number(values.streams), Number(values.seed)];
  const directory = mkdtempSync(join(tmpdir(), 'turnd-endurance-'));
  const closers: (() => unknown)[] = [() => rmSync(directory, { recursive: true, force: true })];
  const t = { teardown: (close: () => unknown) => void closers.unshift(close) };
  const server = new TurndProcess(labFlags(directory, ...SIEGE_FLAGS), { env: SIEGE_ENVIRONMENT });
  t.teardown(() => server.stop());
  try {
    await server.ready();
    const pids = processesOf(server);
    console.log(`seed ${seed}, ${pids.length} processes`);
    await besiege(t, server, { datagrams: WARM_UP, streams: 20, seed: seed + 1 });
    const before = holdingsOf(pids);
    const begin = performance.now();
    const onProgress = (sent: number): void => {
      if (sent % PROGRESS < 64) console.log(`${sent} datagrams, ${mebibytes(holdingsOf(pids).memory)}`);
    };
    await besiege(t, server, { datagrams, streams, seed, onProgress });
    const after = holdingsOf(pids);
    const seconds = (performance.now() - begin) / 1000;
    const faults = server.log.filter(
      ({ level, msg = '' }) => level === 'error' || level === 'fatal' || msg.includes('please report'),
    );
    const isSame = processesOf(server).join() === pids.join();
    const growth = after.memory - before.memory;
    const descriptors = after.descriptors - before.descriptors;
    console.log(
      `${datagrams} datagrams and ${streams} streams in ${Math.round(seconds)} s (${Math.round(datagrams / seconds)}/s)`,
    );
    console.log(
      `memory ${mebibytes(growth)} more, descriptors ${descriptors} more, ${faults.length} faults in the log`,
    );
    // The second siege has a call and a client inside of its own.
    const isGood =
      isSame && growth <= MAX_GROWTH && Math.abs(descriptors - 2) <= 2 && faults.length === 0 && server.stderr === '';
    console.log(isGood ? 'good' : `BAD${isSame ? '' : ': a process was replaced'} ${server.stderr}`);
    process.exitCode = isGood ? 0 : 1;
  } finally {
    for (const close of closers) await close();
  }
}

await main();
