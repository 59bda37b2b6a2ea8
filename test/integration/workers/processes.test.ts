// What the processes of a server are to the system and to each other.

import { test } from 'tap';
import { RawClient } from '../../support/raw-client.ts';
import { labFlags, startTurndWith, temporaryDirectory } from '../../support/turnd-process.ts';
import { killIfAlive, untilGone } from '../../support/until-gone.ts';
import { commandLine, environmentOf, pidOf, place, startWorkers, workersOf } from '../../support/worker-processes.ts';

test('the line "ready" says plane and workers, and each process has its title', async (t) => {
  const server = await startWorkers(t);
  t.match(await server.ready(), { plane: 'linux', workers: 2 });
  t.equal(commandLine(server.pid), 'turnd');
  t.same([...workersOf(server).keys()].sort(), [1, 2]);
});

test('no process shows a secret in its arguments, nor a worker in its environment (S55)', async (t) => {
  const flags = labFlags(
    temporaryDirectory(t),
    '--plane',
    'linux',
    '--workers',
    '1',
    '--secret',
    'CANARY-of-the-flags',
  );
  const server = await startTurndWith(t, flags, { env: { TURND_AUTH__USERS: 'bob:CANARY-of-the-environment' } });
  const worker = pidOf(server, 1);
  for (const text of [commandLine(server.pid), commandLine(worker), environmentOf(worker)]) {
    t.notMatch(text, /CANARY|secret-of-alice/);
  }
  t.notMatch(environmentOf(worker), /TURND_/);
});

test('workers exit when main is killed', async (t) => {
  const server = await startWorkers(t);
  const pids = [...workersOf(server).values()];
  t.equal(pids.length, 2);
  t.teardown(() => pids.map(killIfAlive));
  server.child.kill('SIGKILL');
  await server.ended;
  for (const pid of pids) await untilGone(pid);
  t.pass('all are gone');
});

test('workers obey main alone: what Ctrl-C sends to all ends nothing by itself', async (t) => {
  const server = await startWorkers(t);
  const pids = [...workersOf(server).values()];
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
    for (const pid of pids) process.kill(pid, signal);
  }
  const { client } = await place(t, server);
  t.equal((await client.binding()).cls, 2);
  t.same([...workersOf(server).values()], pids);
  t.equal(server.stderr, '');
});

test('a stop ends the allocations of all workers with reason shutdown, and exits 0', async (t) => {
  const server = await startWorkers(t, '--listen', 'tcp://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0');
  for (const transport of ['udp', 'tcp', 'tls'] as const) {
    for (let count = 0; count < 3; count++) {
      const client = await RawClient.open({ transport, port: await server.port(transport) });
      t.teardown(() => client.close());
      await client.allocated();
    }
  }
  const pids = [...workersOf(server).values()];
  t.equal(await server.stop(), 0);
  t.match(
    server.log.find(({ event }) => event === 'stopping'),
    { allocations: 9 },
  );
  t.equal(server.log.filter(({ event, reason }) => event === 'allocation-ended' && reason === 'shutdown').length, 9);
  t.equal(server.stderr, '');
  for (const pid of pids) t.equal(commandLine(pid), '', 'no worker is left');
});
