// What the workers share is one: quota, users, ports, and the way from relay to relay.

import { once } from 'node:events';
import { connect } from 'node:tls';
import { test } from 'tap';
import { RawClient } from '../../support/raw-client.ts';
import { pidOf, place, placeOn, startWorkers } from '../../support/worker-processes.ts';

for (const external of ['none', '9.9.9.9']) {
  test(`relays of two workers reach each other, external address ${external}`, async (t) => {
    const server = await startWorkers(t, '--external-address', external);
    const one = await placeOn(t, server, 1);
    const two = await placeOn(t, server, 2);
    t.equal(one.relayed.ip, external === 'none' ? '127.0.0.1' : external);
    t.equal((await one.client.permit(two.relayed.ip)).cls, 2);
    t.equal((await two.client.bind(0x4000, one.relayed.ip, one.relayed.port)).cls, 2);
    one.client.sendTo(two.relayed.ip, two.relayed.port, 'over there');
    t.equal((await two.client.nextData()).toString(), 'over there');
    two.client.sendChannel(0x4000, 'and back');
    t.equal((await one.client.nextData()).toString(), 'and back');
  });
}

for (const [where, second] of [
  ['in one worker', 1],
  ['of two workers', 2],
] as const) {
  test(`TURN-104 clients ${where} reach each other over every pair of transports`, async (t) => {
    const server = await startWorkers(t, '--listen', 'tcp://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0');
    for (const transport of ['udp', 'tcp', 'tls'] as const) {
      const one = await placeOn(t, server, 1, transport);
      for (const other of ['udp', 'tcp', 'tls'] as const) {
        const two = await placeOn(t, server, second, other);
        await one.client.permit(two.relayed.ip);
        t.equal((await two.client.bind(0x4000, one.relayed.ip, one.relayed.port)).cls, 2);
        one.client.sendTo(two.relayed.ip, two.relayed.port, `${transport} to ${other}`);
        t.equal((await two.client.nextData()).toString(), `${transport} to ${other}`);
        two.client.sendChannel(0x4000, `${other} to ${transport}`);
        t.equal((await one.client.nextData()).toString(), `${other} to ${transport}`);
      }
    }
  });
}

test('a TLS session that one worker has begun is resumed by any', async (t) => {
  const server = await startWorkers(t, '--listen', 'tls://127.0.0.1:0');
  const options = { host: '127.0.0.1', port: await server.port('tls'), rejectUnauthorized: false };
  const first = connect(options);
  t.teardown(() => first.destroy());
  const [session] = (await once(first, 'session')) as [Buffer];
  for (let count = 0; count < 16; count++) {
    const next = connect({ ...options, session });
    await once(next, 'secureConnect');
    t.equal(next.isSessionReused(), true);
    next.destroy();
  }
});

// Over TCP: what strangers are answered over UDP is rationed.
test('a user’s quota is exact, however many Allocates come at once', async (t) => {
  const server = await startWorkers(t, '--user-quota', '7', '--listen', 'tcp://127.0.0.1:0');
  const clients: RawClient[] = [];
  for (let count = 0; count < 40; count++) {
    const client = await RawClient.open({ transport: 'tcp', port: await server.port('tcp') });
    t.teardown(() => client.close());
    await client.challenge();
    clients.push(client);
  }
  const answers = await Promise.all(clients.map((client) => client.allocate()));
  const codes = answers.map(({ errorCode }) => errorCode ?? 0);
  t.equal(codes.filter((code) => code === 0).length, 7);
  t.equal(codes.filter((code) => code === 486).length, 33);
});

test('R20 the quota of a dead worker’s allocations returns', async (t) => {
  const server = await startWorkers(t, '--user-quota', '1');
  const { worker } = await place(t, server);
  const second = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => second.close());
  t.equal((await second.allocate()).errorCode, 486);
  process.kill(pidOf(server, worker), 'SIGKILL');
  await server.logged('the successor', ({ event }) => event === 'worker-replaced');
  t.not((await second.allocated()).port, 0);
});

test('R20 the ports of a dead worker return', async (t) => {
  const server = await startWorkers(t, '--relay-ports', '50000-50000');
  const { client, worker, relayed } = await place(t, server);
  t.equal(relayed.port, 50000);
  const other = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => other.close());
  t.equal((await other.allocate()).errorCode, 508, 'the only port is taken');
  process.kill(pidOf(server, worker), 'SIGKILL');
  await server.logged('the successor', ({ event }) => event === 'worker-replaced');
  t.equal((await client.allocated()).port, 50000);
});
