// A server that is going out of service: what it refuses, and what goes on.

import { test } from 'tap';
import { Lab } from '../support/lab.ts';
import { REQUEST } from '../support/lab-client.ts';
import { requestedTransport } from '../support/wire-attributes.ts';

test('R17 while it drains, new allocations are refused with 508, and all else goes on', async (t) => {
  const lab = new Lab();
  const [old, fresh] = [lab.client(), lab.client()];
  const relayed = await old.allocated();
  await old.bind(0x4000, '203.1.0.5:5000');
  lab.engine.isDraining = true;
  t.equal((await fresh.allocate()).errorCode, 508);
  t.notOk(fresh.retained, 'and nothing is kept of the client');
  t.equal((await old.request(REQUEST.refresh, [])).errorCode, undefined);
  t.equal((await old.permit('203.1.0.6')).errorCode, undefined);
  t.equal((await old.bind(0x4001, '203.1.0.6:5000')).errorCode, undefined);
  t.equal((await old.allocate()).errorCode, 437, 'its five-tuple is in use as ever');
  t.ok(relayed);
  lab.engine.isDraining = false;
  t.equal((await fresh.allocate()).errorCode, undefined);
  t.equal(lab.engine.allocations.size, 2);
});

test('R17 an Allocate that was answered before is answered alike after', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.challenge();
  const bytes = client.signed(REQUEST.allocate, [requestedTransport()]);
  const first = client.must(await client.exchange(bytes));
  lab.engine.isDraining = true;
  const again = client.must(await client.exchange(bytes));
  t.equal(again.type, first.type);
  t.equal(again.errorCode, undefined);
});
