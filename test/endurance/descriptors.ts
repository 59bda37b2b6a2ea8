// Descriptors run out: Allocates are refused, those that live live on, and everything can be had again afterwards.

import { execFileSync } from 'node:child_process';
import { readCpuMicroseconds } from '../../bench/process-cost.ts';
import { Stage } from '../hostile/stage.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { patiently, type RawClient, REQUEST } from '../support/raw-client.ts';
import { lifetime } from '../support/wire-attributes.ts';
import { workersOf } from '../support/worker-processes.ts';
import { type Finding, type Run, type Scenario, same } from './scenario.ts';

const DESCRIPTORS = 256;
const CHANNEL = 0x4000;
const ENV = {
  TURND_LIMITS__ALLOCATIONS_PER_CLIENT_ADDRESS: '0',
  TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0',
};
/** More than all processes can make. */
const MOST = 1000;
const IDLE_SECONDS = 2;

/** Allocates until so many in a row were refused that every worker has refused; the codes. */
async function exhaust(stage: Stage, run: Run, held: RawClient[]): Promise<Set<number>> {
  const codes = new Set<number>();
  for (let refused = 0; refused < 20 && held.length < MOST; ) {
    const client = await stage.client(run.cleanup);
    const { errorCode } = await client.allocate();
    if (errorCode === undefined) {
      held.push(client);
      continue;
    }
    client.close();
    codes.add(errorCode);
    refused++;
  }
  return codes;
}

async function release(held: RawClient[]): Promise<void> {
  for (const client of held.splice(0)) {
    await client.request(REQUEST.refresh, [lifetime(0)]);
    client.close();
  }
}

/** R23. */
export const descriptors: Scenario = {
  name: 'descriptors',
  title: 'R23 with 256 descriptors a process: 508, no spinning, and all comes back',
  async play(run) {
    const stage = (await Stage.build()) as Stage;
    const server = await stage.startWith(run.cleanup, ENV);
    const call = await stage.client(run.cleanup);
    const peer = await DatagramPeer.open('9.9.9.9');
    run.cleanup.teardown(() => peer.close());
    await call.allocated();
    await call.bind(CHANNEL, '9.9.9.9', peer.port);
    const relaying = [...workersOf(server).values()];
    for (const pid of relaying.length === 0 ? [server.pid] : relaying) {
      execFileSync('prlimit', ['--pid', `${pid}`, `--nofile=${DESCRIPTORS}:${DESCRIPTORS}`]);
    }
    const findings: Finding[] = [];
    const held: RawClient[] = [];
    const codes = await exhaust(stage, run, held);
    const made = held.length;
    findings.push(same('refused with', [...codes].join(), '508'));
    findings.push({ what: `${made} allocations before`, passed: made > 0 && made < MOST });
    const cpuBefore = readCpuMicroseconds(server.pid) ?? 0;
    await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
    const load = ((readCpuMicroseconds(server.pid) ?? 0) - cpuBefore) / (IDLE_SECONDS * 1e6);
    findings.push({ what: `${(load * 100).toFixed(0)} % of a core meanwhile`, passed: load < 0.2 });
    call.sendChannel(CHANNEL, 'still there');
    const heard = await patiently('a packet of the call', peer.next());
    findings.push(same('the call', heard.bytes.toString(), 'still there'));
    await release(held);
    await exhaust(stage, run, held);
    // The kernel spreads the clients over the workers by chance.
    findings.push({ what: `${held.length} allocations afterwards`, passed: held.length >= made * 0.9 });
    await release(held);
    findings.push({ what: 'it lives, and no worker was lost', passed: isWhole(server) });
    return findings;
  },
};

function isWhole(server: Awaited<ReturnType<Stage['start']>>): boolean {
  return server.isAlive && !server.log.some(({ event }) => event === 'worker-lost');
}
