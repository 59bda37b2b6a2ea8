// Chromium relays through the server over each transport, both sides of every connection. It drives docs/check.html,
// so the page and the server are proved together.

import { type Test, test } from 'tap';
import { type CheckPage, type CheckRoundTrip, openCheckPage } from '../../support/check-page.ts';
import { chromiumProgram, launchChromium } from '../../support/chromium.ts';
import { serverSkip, startServer } from '../../support/turn-under-test.ts';

const MEGABYTE = 1_048_576;
const TRANSPORTS = ['udp', 'tcp', 'tls'] as const;

function checkRoundTrip(t: Test, trip: CheckRoundTrip | null | undefined): void {
  t.match(trip, { ok: true, step: 'done', message: '', relayed: true });
  t.equal(trip?.rtt?.pings, 20);
  t.equal(trip?.transfer?.receivedBytes, MEGABYTE);
  t.equal(trip?.transfer?.receivedCrc32, trip?.transfer?.sentCrc32);
  t.equal(trip?.paths?.caller.local.candidateType, 'relay');
  t.equal(trip?.paths?.callee.local.candidateType, 'relay');
}

async function checkCall(t: Test, page: CheckPage, iceServers: Parameters<CheckPage['call']>[0]): Promise<void> {
  const call = await page.call(iceServers);
  t.match(call, { ok: true, step: 'done', message: '', relayed: true });
  for (const side of [call.caller, call.callee]) {
    t.ok(side && side.audio.packetsReceived > 0, 'sound arrives');
    t.ok(side && side.audio.samplesDecoded > 0, 'and is decoded, not made up to conceal loss');
    t.ok(side && side.video.framesDecoded >= 10, 'pictures are decoded');
  }
}

test('Chromium relays both sides', { skip: chromiumProgram.skip || serverSkip, timeout: 110_000 }, async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  const browser = await launchChromium({ trustedKeys: [server.publicKeyHash] });
  t.teardown(() => browser.close());
  const page = await openCheckPage(browser);
  t.teardown(() => page.close());

  for (const transport of TRANSPORTS) {
    const iceServer = server.iceServers[transport];

    await t.test(`a data channel over ${transport} carries 1 MB intact`, async (t) => {
      const result = await page.run([iceServer], { bytes: MEGABYTE });
      t.equal(result.verdict.text, `Relay works over ${transport.toUpperCase()}`);
      const relayed = result.urls[0]?.candidates.filter((candidate) => candidate.type === 'relay') ?? [];
      t.ok(relayed.length > 0, 'a relay candidate is listed');
      t.ok(relayed.every((candidate) => candidate.url === iceServer.urls && candidate.relayProtocol === transport));
      checkRoundTrip(t, result.urls[0]?.roundTrip);
    });

    await t.test(`a call over ${transport} carries sound and pictures both ways`, async (t) => {
      await checkCall(t, page, [iceServer]);
    });
  }

  await t.test('all servers together carry a data channel and a call', async (t) => {
    const iceServers = Object.values(server.iceServers);
    const result = await page.run(iceServers, { bytes: MEGABYTE });
    t.match(result.verdict, { level: 'ok', text: 'Relay works over UDP, TCP, TLS' });
    checkRoundTrip(t, result.together?.roundTrip);
    await checkCall(t, page, iceServers);
  });
});
