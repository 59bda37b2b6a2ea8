// IP fields of relayed datagrams, RFC 8656 §13 to §15, as far as the engine decides them: when DF is asked for. What
// stands on the wire is the planes' business.

import { test } from 'tap';
import { Transport } from '../../src/turn/transport.ts';
import { Lab } from '../support/lab.ts';
import { type LabClient, peerAddress } from '../support/lab-client.ts';
import type { LabPeer } from '../support/lab-network.ts';
import { PEER, PEER_V6 } from '../support/lab-relayed.ts';
import { message } from '../support/wire.ts';
import { additionalAddressFamily, data, dontFragment } from '../support/wire-attributes.ts';

const V4_CLIENT = '198.51.100.7:1000';
const V6_CLIENT = '[2a00:1450::7]:1000';

/** A client with both relayed addresses, where DF can be set. */
async function dual(transport: Transport, address: string): Promise<{ lab: Lab; client: LabClient }> {
  const lab = new Lab({ env: { capabilities: { dontFragment: true } } });
  const client = lab.client({ transport, address });
  await client.allocate([additionalAddressFamily()]);
  await client.permit(PEER, PEER_V6);
  return { lab, client };
}

/** A Send indication with DONT-FRAGMENT. */
const whole = (peer: string) => message({ type: 0x0016, attrs: [peerAddress(peer), dontFragment(), data('whole')] });

/** What a peer has received, and with DF or not. */
function arrivals(peer: LabPeer): [payload: string, dontFragment: boolean][] {
  return peer.received.map(({ payload, dontFragment: df }) => [payload.toString(), df]);
}

const CASES: readonly (readonly [transport: Transport, client: string, peer: string, df: boolean, what: string])[] = [
  [Transport.UDP, V4_CLIENT, PEER, true, 'TURN-96 over IPv4 on both sides'],
  [Transport.DTLS, V4_CLIENT, PEER, true, 'TURN-96 over DTLS and IPv4 on both sides'],
  [Transport.TCP, V4_CLIENT, PEER, true, 'TURN-96 from a TCP client'],
  [Transport.TLS, V4_CLIENT, PEER, true, 'TURN-96 from a TLS client'],
  [Transport.TCP, V6_CLIENT, PEER, true, 'TURN-96 from a TCP client at an IPv6 address'],
  [Transport.UDP, V4_CLIENT, PEER_V6, false, 'TURN-97 from IPv4 to IPv6'],
  [Transport.UDP, V6_CLIENT, PEER_V6, false, 'TURN-97 from IPv6 to IPv6'],
  [Transport.UDP, V6_CLIENT, PEER, false, 'TURN-97 from IPv6 to IPv4'],
  [Transport.TCP, V4_CLIENT, PEER_V6, false, 'TURN-97 from a TCP client to IPv6'],
];

for (const [transport, address, peer, df, what] of CASES) {
  test(`${what} a Send with DONT-FRAGMENT ${df ? 'goes with DF set' : 'goes as any other'}`, async (t) => {
    const { lab, client } = await dual(transport, address);
    const host = lab.peer(peer);
    client.send(whole(peer));
    t.same(arrivals(host), [['whole', df]]);
  });
}

for (const transport of [Transport.UDP, Transport.TCP]) {
  test(`TURN-96 without DONT-FRAGMENT DF is 0, by Send and by ChannelData (${transport})`, async (t) => {
    const { lab, client } = await dual(transport, V4_CLIENT);
    const peer = lab.peer(PEER);
    await client.bind(0x4000, PEER);
    client.send(whole(PEER));
    client.sendTo(PEER, 'by Send');
    client.sendChannel(0x4000, 'by channel');
    t.same(
      arrivals(peer),
      [
        ['whole', true],
        ['by Send', false],
        ['by channel', false],
      ],
      'one that must go whole binds nothing after it',
    );
  });
}

test('TURN-97 where DF cannot be set a Send to an IPv6 peer with DONT-FRAGMENT is dropped all the same', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.allocate([additionalAddressFamily()]);
  await client.permit(PEER_V6);
  const host = lab.peer(PEER_V6);
  client.send(whole(PEER_V6));
  t.same(arrivals(host), []);
  client.sendTo(PEER_V6, 'without it');
  t.same(arrivals(host), [['without it', false]]);
});
