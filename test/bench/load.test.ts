// Both kinds of load generator on turnd: what is sent arrives, is counted once, and leaves nothing behind.

import { type Test, test } from 'tap';
import { openBatchedLoad } from '../../bench/batched/batched-load.ts';
import { DgramLoad } from '../../bench/dgram/dgram-load.ts';
import { Direction, type Load, type LoadJob, type LoadStep } from '../../bench/load-job.ts';
import { LibcUnavailableError, loadLibc } from '../../src/planes/linux/libc.ts';
import { TEST_ADDRESS, TEST_USER } from '../support/turn-server.ts';
import { startTurnd } from '../support/turnd.ts';

const STEP: LoadStep = {
  rate: 1000,
  burst: 4,
  direction: Direction.BOTH,
  warmUpSeconds: 0.1,
  seconds: 0.2,
  renewals: 0,
};
const unavailable = await loadLibc().then(
  () => false as const,
  (error: unknown) => {
    if (error instanceof LibcUnavailableError) return error.message;
    throw error;
  },
);

async function openJob(t: Test, changes: Partial<LoadJob>): Promise<LoadJob> {
  const server = await startTurnd();
  t.teardown(() => server.close());
  const address = { address: TEST_ADDRESS, port: server.ports.udp };
  const clients = { clients: 3, window: 2, peers: true, payload: 160 };
  const usual = { generator: 'auto', serverPid: server.pid, credentials: TEST_USER, gsoBurst: 1, rest: 0 } as const;
  return { ...usual, ...clients, server: address, ...changes };
}

async function checkLoad(t: Test, load: Load): Promise<void> {
  await load.prepare();
  await load.setUp();
  await load.renew();
  for (const direction of Object.values(Direction)) {
    const result = await load.run({ ...STEP, direction });
    t.match(result, { offered: 200, dropped: 0 }, direction);
    t.ok(result.sent > 0, 'a busy machine may leave some out');
    t.equal(result.received, result.sent, `${direction}: all of this step, none of another`);
    const counted = (buckets: typeof result.latency): number => buckets.reduce((sum, [, count]) => sum + count, 0);
    t.equal(counted(result.latency), result.received);
    t.equal(counted(result.lateness) * STEP.burst, result.sent);
    t.type(result.serverCpuMicroseconds, 'number');
  }
  await load.close();
}

test('batched calls', { skip: unavailable }, async (t) => {
  await checkLoad(t, await openBatchedLoad(await openJob(t, {})));
});

test('batched calls with segmentation by the kernel, and sleeps', { skip: unavailable }, async (t) => {
  await checkLoad(t, await openBatchedLoad(await openJob(t, { gsoBurst: STEP.burst, rest: 50 })));
});

test('dgram', async (t) => {
  await checkLoad(t, new DgramLoad(await openJob(t, {})));
});

test('a refusal ends the set-up', { skip: unavailable }, async (t) => {
  const load = await openBatchedLoad(await openJob(t, { credentials: { username: 'mallory', password: 'x' } }));
  await load.prepare();
  await t.rejects(load.setUp(), { message: /Allocate was refused with 401/ });
});
