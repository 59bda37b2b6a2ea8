// Mutated datagrams and streams against a running server; test/endurance/mutated.ts sends ten million of them.

import { test } from 'tap';
import { holdingsOf } from '../support/bombardment.ts';
import { besiege, SIEGE_ENVIRONMENT, SIEGE_FLAGS } from '../support/siege.ts';
import { startLabTurnd, type TurndProcess } from '../support/turnd-process.ts';
import { workersOf } from '../support/worker-processes.ts';

const skip = process.platform === 'linux' ? false : 'reads what /proc tells of the processes';

function processesOf(server: TurndProcess): number[] {
  return [server.pid, ...workersOf(server).values()];
}

test('S1, R1 mutated datagrams and streams harm neither the server nor a call beside them', { skip }, async (t) => {
  const server = await startLabTurnd(t, [...SIEGE_FLAGS, '--log-level', 'debug'], { env: SIEGE_ENVIRONMENT });
  const pids = processesOf(server);
  const before = holdingsOf(pids);
  await t.test('under siege', async (t) => {
    await besiege(t, server, { datagrams: 6400, streams: 40, seed: Date.now() % 1_000_000 });
    t.same(processesOf(server), pids, 'no process was replaced');
  });
  const after = holdingsOf(pids);
  t.comment(`${Math.round((after.memory - before.memory) / 1024)} KiB more`);
  // The call and the client inside keep their allocations: a relay socket each.
  const kept = 2;
  t.ok(Math.abs(after.descriptors - before.descriptors - kept) <= 2, `${before.descriptors}, now ${after.descriptors}`);
  t.equal(await server.stop(), 0);
  const bad = server.log.filter(
    ({ level, msg = '' }) => level === 'error' || level === 'fatal' || msg.includes('please report'),
  );
  t.same(bad, []);
  t.equal(server.stderr, '');
});
