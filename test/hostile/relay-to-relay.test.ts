// Two clients of one server meet by their relayed addresses: relay and client behind a NAT that does not hairpin, built-in
// deny list as it is. That is ordinary WebRTC with `iceTransportPolicy: relay`.

import { type Test, test } from 'tap';
import type { RawClient, RawTransport } from '../support/raw-client.ts';
import { Stage } from './stage.ts';

const stage = await Stage.build();
const skip = stage === null && 'network namespaces take root';
const built = stage as Stage;

const PRIVATE = '10.9.9.9';
const EXTERNAL = '13.1.1.1';
const TRANSPORTS: readonly RawTransport[] = ['udp', 'tcp', 'tls'];

/** Packets each way of each pair: over 10,000 in all. */
const PACKETS = 600;
/** As many go before what has arrived is waited for: the kernel's buffers hold them. */
const WINDOW = 30;

/** Sends by channel; returns how many came, in their order and whole. */
async function flow(from: RawClient, to: RawClient): Promise<number> {
  let whole = 0;
  for (let sent = 0; sent < PACKETS; sent += WINDOW) {
    for (let at = sent; at < sent + WINDOW; at++) from.sendChannel(0x4000, `${at} ${'x'.repeat(at % 900)}`);
    for (let at = sent; at < sent + WINDOW; at++) {
      if ((await to.nextData()).toString() === `${at} ${'x'.repeat(at % 900)}`) whole++;
    }
  }
  return whole;
}

async function connect(t: Test, transport: RawTransport): Promise<{ client: RawClient; ip: string; port: number }> {
  const client = await built.client(t, transport, transport === 'tls' ? 5349 : 3478);
  return { client, ...(await client.allocated()) };
}

if (stage !== null) stage.host.ip(`address add ${PRIVATE}/32 dev host0`);

test('S34 relay to relay over every pair of transports: nothing is lost, nothing leaves the host', {
  skip,
}, async (t) => {
  await built.start(t, '--relay-address', PRIVATE, '--external-address', EXTERNAL);
  const capture = await built.captureHost(t);
  for (const one of TRANSPORTS) {
    for (const other of TRANSPORTS) {
      const [left, right] = [await connect(t, one), await connect(t, other)];
      t.equal(left.ip, EXTERNAL);
      t.equal((await left.client.bind(0x4000, right.ip, right.port)).errorCode, undefined);
      t.equal((await right.client.bind(0x4000, left.ip, left.port)).errorCode, undefined);
      t.equal(await flow(left.client, right.client), PACKETS, `${one} to ${other}`);
      t.equal(await flow(right.client, left.client), PACKETS, `${other} to ${one}`);
      t.same(
        capture.read().filter(({ target }) => target === EXTERNAL),
        [],
        'no packet needs the NAT',
      );
    }
  }
});
