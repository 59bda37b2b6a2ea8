// What a server does whose memory is short (R24): what lives goes on, nothing is made.

import { test } from 'tap';
import { Lab } from '../support/lab.ts';
import { codeOf, nothingHeld } from '../support/lab-checks.ts';
import { REQUEST } from '../support/lab-client.ts';
import { lifetime } from '../support/wire-attributes.ts';

const PEER = '93.184.216.34:5000';

for (const transport of ['udp', 'tcp'] as const) {
  test(`R24 while memory is short an Allocate is 508 and leaves nothing behind (${transport})`, async (t) => {
    let isShort = true;
    const lab = new Lab({ env: { isShortOfMemory: () => isShort } });
    const client = lab.client({ transport });
    t.equal(codeOf(await client.allocate()), 508);
    nothingHeld(t, lab);
    if (transport === 'udp') t.notOk(client.retained, 'not even its address');
    t.equal(lab.engine.counters.memoryLimited, 1);
    isShort = false;
    t.equal(codeOf(await client.allocate()), 0);
    t.equal(lab.engine.counters.memoryLimited, 1);
  });
}

test('R24 an allocation that lives is refreshed, permitted, bound and relayed while memory is short', async (t) => {
  let isShort = false;
  const lab = new Lab({ env: { isShortOfMemory: () => isShort } });
  const [client, peer] = [lab.client(), lab.peer(PEER)];
  const relayed = await client.allocated();
  isShort = true;
  t.equal(codeOf(await client.request(REQUEST.refresh, [lifetime(900)])), 0);
  t.equal(codeOf(await client.permit(PEER)), 0);
  t.equal(codeOf(await client.bind(0x4000, PEER)), 0);
  client.sendChannel(0x4000, 'there');
  t.equal(peer.take().length, 1);
  peer.send(relayed, 'and back');
  t.equal(client.take().length, 1);
  t.equal(codeOf(await client.allocate()), 437, 'as ever');
  t.equal(codeOf(await client.exchange(client.signed(REQUEST.refresh, [lifetime(0)]))), 0);
  nothingHeld(t, lab);
});

test('R24 a request that is wrong in itself is told so', async (t) => {
  const lab = new Lab({ env: { isShortOfMemory: () => true } });
  const client = lab.client();
  t.equal(codeOf(await client.request(REQUEST.allocate, [])), 400);
  const stranger = lab.client({ password: 'a wrong one' });
  t.equal(codeOf(await stranger.allocate()), 401);
});
