// Numbers that grow for as long as a server runs, preset to where 32 bits end.

import { test } from 'tap';
import { TransportWords } from '../../src/stun/transport-address.ts';
import { ExpiryWheel, type Timed } from '../../src/turn/expiry-wheel.ts';
import { NonceIssuer } from '../../src/turn/nonce.ts';
import { Lab, transportAddress } from '../support/lab.ts';
import { hears, PEER, reaches } from '../support/lab-relayed.ts';
import { decode } from '../support/wire.ts';
import { lifetime } from '../support/wire-attributes.ts';

/** Milliseconds and seconds at which 31 and 32 bits end: 25 and 50 days, 68 and 136 years. */
const EDGES = [2 ** 31, 2 ** 32, 2 ** 31 * 1000, 2 ** 32 * 1000];

for (const edge of EDGES) {
  test(`R3 an allocation lives and ends as ever around ${edge} ms of uptime`, async (t) => {
    const lab = new Lab();
    lab.clock.monotonic = edge - 100_000;
    lab.engine.tick();
    const client = lab.client();
    const peer = lab.peer(PEER);
    const relayed = await client.allocated([lifetime(600)]);
    await client.permit(PEER);
    // Over the edge, and on: the permission ends after 300 s, the allocation after 600 s.
    for (const [seconds, alive] of [
      [99, 1],
      [102, 1],
      [98, 1],
      [2, 0],
    ] as const) {
      await lab.advance(seconds);
      t.equal(reaches(client, peer), alive);
      t.equal(hears(client, peer, relayed), alive);
    }
    await lab.advance(298);
    t.equal(lab.engine.allocations.size, 1);
    await lab.advance(4);
    t.equal(lab.engine.allocations.size, 0);
  });

  test(`R3 the wheel turns on over ${edge} ms`, async (t) => {
    const visits: number[] = [];
    const wheel = new ExpiryWheel<Timed>(edge - 10_000, (_, now) => {
      visits.push(now);
      return Number.POSITIVE_INFINITY;
    });
    wheel.schedule({ wheelSlot: 0 }, edge + 5000);
    for (let now = edge - 10_000; now <= edge + 20_000; now += 1000) wheel.tick(now);
    t.equal(visits.length, 1);
    const [at = 0] = visits;
    t.ok(at >= edge + 5000 && at < edge + 7000, `${at - edge}`);
  });

  test(`R3 nonces are good for their lifetime around ${edge * 15} ms of wall-clock time`, async (t) => {
    const issuer = new NonceIssuer(Buffer.alloc(32, 9), 600, 0);
    const client = new TransportWords();
    client.set(transportAddress('198.51.100.7:4000'));
    // Slots are 15 s long, so the edge is one of their numbers, too.
    for (const issued of [edge, edge * 15_000]) {
      for (const before of [-1, 1, 300_000]) {
        const nonce = issuer.issue(client, issued - before);
        t.ok(issuer.check(nonce, client, issued + 299_000));
        t.notOk(issuer.check(nonce, client, issued + 700_000));
      }
    }
  });
}

test('R3 transaction ids of indications begin anew, and none of them twice', async (t) => {
  let word = 0;
  const fill = (target: Uint8Array): void => {
    target.fill(0xff);
    // Whoever wants a port must not get the same one again and again.
    if (target.length === 4) new DataView(target.buffer, target.byteOffset).setUint32(0, word++);
  };
  const lab = new Lab({ env: { random: { fill } } });
  const client = lab.client();
  const relayed = await client.allocated();
  await client.permit(PEER);
  client.take();
  for (let count = 0; count < 3; count++) lab.peer(PEER).send(relayed, `${count}`);
  const ids = client.take().map((bytes) => decode(bytes).tid.toString('hex', 8));
  t.same(ids, ['00000000', '00000001', '00000002']);
});
