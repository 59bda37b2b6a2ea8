// Transports at engine level (CONFORMANCE B3): what needs no socket. The rest is in test/streams and test/integration.

import { test } from 'tap';
import { Lab } from '../support/lab.ts';
import { REQUEST } from '../support/lab-client.ts';
import { attr } from '../support/wire.ts';
import { requestedTransport } from '../support/wire-attributes.ts';

const PEER = '93.184.216.34:5000';

for (const transport of ['udp', 'tcp'] as const) {
  test(`TRN-19 no TCP allocation is made over ${transport}`, async (t) => {
    const lab = new Lab();
    const client = lab.client({ transport });
    const answer = await client.request(REQUEST.allocate, [requestedTransport(6)]);
    t.equal(answer.errorCode, 442);
    t.notOk(answer.has(attr.xorRelayedAddress));
    t.equal(lab.engine.allocations.size, 0);
  });
}

test('TRN-21 the server sends nothing by itself while an allocation lives, nor when it ends', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.allocated();
  await client.bind(0x4000, PEER);
  client.take();
  await lab.advance(599);
  t.equal(lab.engine.allocations.size, 1);
  t.same(client.take(), []);
  await lab.advance(10);
  t.equal(lab.engine.allocations.size, 0);
  t.same(client.take(), []);
  t.same(lab.relays.lost, []);
});
