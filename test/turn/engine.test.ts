import { test } from 'tap';
import { NO_USER } from '../../src/turn/grant.ts';
import { Gate } from '../support/gate.ts';
import { Lab, LabClock, type LabOptions } from '../support/lab.ts';
import { REQUEST } from '../support/lab-client.ts';
import { laterReservations } from '../support/later.ts';
import { type AttributeInput, attr, decode, message } from '../support/wire.ts';
import { evenPort, lifetime, requestedTransport } from '../support/wire-attributes.ts';

const PEER = '93.184.216.34:5000';

for (const asyncOpen of [false, true]) {
  test(`a client allocates, relays both ways and deletes (relay sockets ${asyncOpen ? 'later' : 'at once'})`, async (t) => {
    const lab = new Lab({ asyncOpen });
    const client = lab.client();
    const peer = lab.peer(PEER);
    const relayed = await client.allocated();
    t.equal((await client.permit(PEER)).type, 0x0108);
    client.sendTo(PEER, 'by indication');
    t.same(peer.take(), ['by indication']);
    peer.send(relayed, 'back');
    const [indication] = client.take().map(decode);
    t.equal(indication?.type, 0x0017);
    t.equal(indication?.xorAddress(attr.xorPeerAddress), PEER);
    t.equal(indication?.text(attr.data), 'back');
    t.equal((await client.bind(0x4000, PEER)).type, 0x0109);
    client.sendChannel(0x4000, 'by channel');
    t.same(peer.take(), ['by channel']);
    peer.send(relayed, 'channelled');
    t.same(client.take(), [Buffer.from('4000000a6368616e6e656c6c6564', 'hex')]);
    t.equal((await client.request(REQUEST.refresh, [lifetime(0)])).uint32(attr.lifetime), 0);
    t.equal(lab.engine.allocations.size, 0);
    t.equal(lab.quota.total, 0);
    t.equal(lab.relays.sockets.size, 0);
    t.same(lab.observer.failures, []);
  });
}

test('two clients of one server reach each other through their relayed addresses', async (t) => {
  const lab = new Lab();
  const [alice, bob] = [lab.client(), lab.client({ user: 'bob' })];
  const [a, b] = [await alice.allocated(), await bob.allocated()];
  await alice.permit(b);
  await bob.bind(0x4001, a);
  alice.sendTo(b, 'hello');
  t.same(bob.take(), [Buffer.from('4001000568656c6c6f', 'hex')]);
  bob.sendChannel(0x4001, 'hi');
  const [indication] = alice.take().map(decode);
  t.equal(indication?.xorAddress(attr.xorPeerAddress), b);
  t.equal(indication?.text(attr.data), 'hi');
});

test('a request that waits for a promise is counted, whatever it waits for; what is ready is not', async (t) => {
  const gate = new Gate();
  const waits = async (options: LabOptions, attrs: readonly AttributeInput[] = []): Promise<number> => {
    const lab = new Lab(options);
    const client = lab.client();
    await client.challenge();
    t.equal(lab.engine.promises, 0, 'a challenge waits for nothing');
    client.send(client.signed(REQUEST.allocate, [requestedTransport(), ...attrs]));
    return lab.engine.promises;
  };
  t.equal(await waits({}), 0);
  t.equal(await waits({ asyncOpen: gate }), 1);
  t.equal(await waits({ env: { quota: { acquire: () => gate.hold(NO_USER), release: () => undefined } } }), 1);
  t.equal(await waits({ env: { credentials: { find: () => gate.hold([]), usernameOf: () => null } } }), 1);
  const clock = new LabClock();
  t.equal(await waits({ env: { reservations: laterReservations(gate, clock) } }, [evenPort(true)]), 1);
});

test('a promise counts by the time fromClient returns, data never', async (t) => {
  const lab = new Lab({ asyncOpen: true });
  const client = lab.client();
  await client.allocated();
  t.equal(lab.engine.promises, 1);
  await client.permit(PEER);
  await client.bind(0x4000, PEER);
  client.sendTo(PEER, 'x');
  client.sendChannel(0x4000, 'x');
  t.equal(lab.engine.promises, 1);
});

test('a Binding request is answered without credentials', async (t) => {
  const lab = new Lab();
  const client = lab.client({ address: '[2001:db8:7::9]:4444' });
  const answer = client.must(await client.exchange(message({ type: REQUEST.binding })));
  t.equal(answer.type, 0x0101);
  t.equal(answer.xorAddress(attr.xorMappedAddress), '[2001:db8:7::9]:4444');
  t.notOk(client.retained);
});

test('ADDITIONAL-ADDRESS-FAMILY by the number that coturn 4.6 gives it makes a dual allocation', async (t) => {
  const answer = await new Lab().client().allocate([[0x8032, '02000000']]);
  t.equal(answer.all(attr.xorRelayedAddress).length, 2);
});
