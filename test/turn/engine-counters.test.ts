// What the engine counts of requests, logins and allocations, for metrics.

import { test } from 'tap';
import { ReleaseReason } from '../../src/turn/env.ts';
import { Gate } from '../support/gate.ts';
import { Lab, settle } from '../support/lab.ts';
import { REQUEST } from '../support/lab-client.ts';
import { message } from '../support/wire.ts';
import { requestedTransport } from '../support/wire-attributes.ts';

const PEER = '93.184.216.34:5000';

test('what is relayed is counted by the transport of the client, at once', async (t) => {
  const lab = new Lab();
  for (const transport of ['udp', 'tls'] as const) {
    const client = lab.client({ transport });
    const relayed = await client.allocated();
    await client.bind(0x4000, PEER);
    client.sendChannel(0x4000, 'hello');
    lab.peer(PEER).send(relayed, 'ok');
  }
  const { transports } = lab.engine.counters;
  const counted = { allocations: 1, packetsToPeer: 1, bytesToPeer: 5, packetsToClient: 1, bytesToClient: 2 };
  const nothing = { allocations: 0, packetsToPeer: 0, bytesToPeer: 0, packetsToClient: 0, bytesToClient: 0 };
  t.same(transports, { udp: counted, tcp: nothing, tls: counted, dtls: nothing });
});

test('live allocations are counted by transport, and ended ones by reason', async (t) => {
  const lab = new Lab();
  const clients = [lab.client(), lab.client({ transport: 'tcp' })];
  for (const client of clients) await client.allocated();
  t.same(lab.engine.allocations.byTransport, { udp: 1, tcp: 1, tls: 0, dtls: 0 });
  clients[1]?.close();
  await lab.advance(3000);
  t.same(lab.engine.allocations.byTransport, { udp: 0, tcp: 0, tls: 0, dtls: 0 });
  t.same(
    [...lab.engine.counters.ended],
    [
      [ReleaseReason.CONNECTION_CLOSED, 1],
      [ReleaseReason.EXPIRED, 1],
    ],
  );
});

test('requests and responses are counted by method, errors by code, failed logins by reason', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  client.send(message({ type: REQUEST.binding }));
  await client.allocated();
  await client.permit(PEER);
  await lab.client({ password: 'wrong' }).allocate();
  await lab.client({ user: 'nobody' }).allocate();
  const { methods, errors, authFailures, challenges } = lab.engine.counters;
  t.same(methods.binding, { requests: 1, successes: 1, errors: 0 });
  t.same(methods.allocate, { requests: 6, successes: 1, errors: 5 });
  t.same(methods.createPermission, { requests: 1, successes: 1, errors: 0 });
  t.same([...errors], [[401, 5]]);
  t.same(
    [...authFailures],
    [
      ['wrong-password', 1],
      ['unknown-user', 1],
    ],
  );
  t.same(challenges, { sent: 5, overBudget: 0 });
});

test('the time to set an allocation up runs from its request to its response, whatever was waited for', async (t) => {
  const gate = new Gate();
  const lab = new Lab({ asyncOpen: gate });
  const slow = lab.client();
  await slow.challenge();
  slow.send(slow.signed(REQUEST.allocate, [requestedTransport()]));
  await lab.advance(0.3);
  // What comes meanwhile has its own time.
  lab.client().send(message({ type: REQUEST.binding }));
  gate.releaseAll();
  await settle();
  const { setUp } = lab.engine.counters;
  t.equal(
    setUp.counts.reduce((sum, count) => sum + count),
    1,
    'refusals and other methods have none',
  );
  t.ok(Math.abs(setUp.sum - 0.3) < 1e-9, `${setUp.sum}`);
});
