// One turnd drains to another: coturn's client goes there by itself, and so does ours.

import { type Test, test } from 'tap';
import { connectTo } from '../../../src/client/connect.ts';
import { openAllocation } from '../../../src/client/open-allocation.ts';
import { ServerMemory } from '../../../src/client/server-memory.ts';
import { systemTimers } from '../../../src/client/timers.ts';
import { address } from '../../support/fake-path.ts';
import { RawClient } from '../../support/raw-client.ts';
import { TEST_ADDRESS, TEST_USER, type TurnServer } from '../../support/turn-server.ts';
import { startTurnd } from '../../support/turnd.ts';
import { runUclient, STATIC_USER, uclientProgram } from './uclient.ts';
import { checkComplete } from './uclient-modes.ts';

const MESSAGES = 20;
const TRUST_ANYBODY = { insecure: true, authorities: [], wallTime: () => Date.now() };
// A worker hears of the drain a moment after main.
const MOST_TRIES = 100;

/** A server that drains, and where it sends its clients. */
async function twoServers(t: Test): Promise<{ readonly first: TurnServer; readonly second: TurnServer }> {
  const second = await startTurnd();
  t.teardown(() => second.close());
  const elsewhere = (['udp', 'tcp', 'tls'] as const).map(
    (transport) => `${transport}://${TEST_ADDRESS}:${second.ports[transport]}`,
  );
  const first = await startTurnd({
    env: { TURND_DRAIN__TIMEOUT: '3600', TURND_DRAIN__ALTERNATE_SERVERS: elsewhere.join(',') },
  });
  t.teardown(() => first.close());
  // Somebody who stays: else it would end at once.
  const holder = await open(t, first);
  await holder.allocated();
  process.kill(first.pid, 'SIGTERM');
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    if ((await (await open(t, first)).allocate()).errorCode === 300) return { first, second };
  }
  throw new Error('nobody is sent elsewhere');
}

// Over TCP: what strangers are answered over UDP is rationed.
async function open(t: Test, { ports }: TurnServer): Promise<RawClient> {
  const { username: user, password } = TEST_USER;
  const client = await RawClient.open({ transport: 'tcp', port: ports.tcp, user, password });
  t.teardown(() => client.close());
  return client;
}

test('R17 TURN-22 turnutils_uclient follows to another server and loses nothing', {
  skip: uclientProgram.skip,
}, async (t) => {
  const { first, second } = await twoServers(t);
  for (const transport of ['udp', 'tcp'] as const) {
    const result = await runUclient(first, transport, [...STATIC_USER, '-y']);
    checkComplete(t, result, 2 * 2 * MESSAGES);
  }
  const served = (server: TurnServer) =>
    server.lines.filter((line) => line.includes('"event":"allocation-ended"')).length;
  t.equal(served(first), 0, 'nobody was served by the one that drains');
  t.ok(served(second) > 0);
});

test('R17 TURN-22 our own client follows over UDP, TCP and TLS', async (t) => {
  const { first, second } = await twoServers(t);
  for (const transport of ['udp', 'tcp', 'tls'] as const) {
    const target = {
      address: address(TEST_ADDRESS, first.ports[transport]),
      transport,
      by: 'literal',
      name: '',
    } as const;
    const env = {
      ...{ credential: TEST_USER, timers: systemTimers, memory: new ServerMemory() },
      connect: (to: Parameters<typeof connectTo>[0]) =>
        connectTo(to, { ...{ timeoutMs: 10_000, timers: systemTimers }, ...TRUST_ANYBODY }),
    };
    const { client, target: reached } = await openAllocation(target, env);
    t.equal(reached.address.port, second.ports[transport], transport);
    await client.close();
  }
});
