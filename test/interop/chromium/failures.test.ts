// The check page names the likely cause of each failure that a user meets.

import { test } from 'tap';
import { openCheckPage } from '../../support/check-page.ts';
import { chromiumProgram, launchChromium } from '../../support/chromium.ts';
import { findFreePort } from '../../support/free-ports.ts';
import { serverSkip, startServer } from '../../support/turn-under-test.ts';

const QUICK = { timeoutMs: 3000, bytes: 1024 };

test('the check page explains failures', { skip: chromiumProgram.skip || serverSkip, timeout: 110_000 }, async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  const browser = await launchChromium();
  t.teardown(() => browser.close());
  const page = await openCheckPage(browser);
  t.teardown(() => page.close());
  const { udp, tcp, tls } = server.iceServers;

  for (const iceServer of [udp, tcp]) {
    await t.test(`a wrong password is named for ${iceServer.urls}`, async (t) => {
      const { urls, verdict } = await page.run([{ ...iceServer, credential: 'wrong' }], QUICK);
      t.match(urls[0]?.failure, { code: 401, cause: /refused the user name or password \(401 Unauthorized\)/ });
      t.match(verdict, {
        level: 'failed',
        text: /^Relay does not work; (UDP|TCP) failed: 401 wrong user or password$/,
      });
    });
  }

  await t.test('an expired time-limited user name is named as such', async (t) => {
    const { urls } = await page.run([{ ...udp, username: '1700000000:alice' }], QUICK);
    t.match(urls[0]?.failure, { code: 401, cause: /it expired at 2023-11-14T22:13:20/ });
  });

  await t.test('a port where nothing listens is named unreachable', async (t) => {
    const port = await findFreePort('127.0.0.1');
    const schemes = [
      `turn:127.0.0.1:${port}`,
      `turn:127.0.0.1:${port}?transport=tcp`,
      `turns:127.0.0.1:${port}`,
      `stun:127.0.0.1:${port}`,
    ];
    const { urls, verdict } = await page.run([{ ...udp, urls: schemes }], QUICK);
    t.match(urls[0]?.failure, { code: 701, cause: /^No answer came over UDP .* \(701: / });
    t.match(urls[1]?.failure, { code: 701, cause: /^No TCP connection .* \(701: / });
    t.match(urls[2]?.failure, { code: 701, cause: /^No TLS connection .* \(701: / });
    t.match(urls[3]?.failure, { cause: /^No answer came from the STUN server/ });
    t.match(verdict.text, 'UDP failed: 701 server unreachable; TCP failed: 701 server unreachable');
  });

  await t.test('a self-made certificate is named as the likely cause', async (t) => {
    const { urls, verdict } = await page.run([tls, tcp], QUICK);
    t.match(urls[0]?.failure, { code: 701, cause: /refused the certificate/ });
    t.match(urls[0]?.failure?.advice.join(' '), /certificate warning/);
    t.match(verdict, {
      level: 'partial',
      text: 'Relay works over TCP; TLS failed: 701 certificate refused, or port closed',
    });
  });

  await t.test('a name without an address is named', async (t) => {
    const { urls } = await page.run([{ ...udp, urls: 'turn:no-such-host.invalid' }], QUICK);
    t.match(urls[0]?.failure, { code: 701, summary: '701 name not found' });
  });

  await t.test('what the browser throws at is named', async (t) => {
    const { urls } = await page.run([{ urls: 'turn:127.0.0.1' }, { ...udp, urls: 'turn://127.0.0.1' }], QUICK);
    t.match(urls[0]?.failure, { code: 'missing-credential', cause: /“username” is missing/ });
    t.match(urls[1]?.failure, { code: 'bad-url', cause: /no slashes/ });
  });

  await t.test('a relay that lets no peer in is named blocked', async (t) => {
    const closed = await startServer({ deniedPeers: ['127.0.0.1'] });
    t.teardown(() => closed.close());
    const { urls } = await page.run([closed.iceServers.udp], QUICK);
    t.match(urls[0]?.failure, { code: 'blocked', cause: /refused the permission for the peer \(403\)/ });
    t.ok(urls[0]?.candidates.some((candidate) => candidate.type === 'relay'));
  });

  await t.test('a quota of one allocation is named', async (t) => {
    const tight = await startServer({ userQuota: 1 });
    t.teardown(() => tight.close());
    const { urls } = await page.run([tight.iceServers.udp], QUICK);
    t.match(urls[0]?.failure, { code: 486, cause: /Allocation Quota Reached/ });
  });

  await t.test('a STUN server is judged without a relay', async (t) => {
    const stun = udp.urls.replace('turn:', 'stun:').replace(/\?.*/, '');
    const { urls, verdict } = await page.run([{ urls: stun }], QUICK);
    t.match(urls[0], { status: 'ok', roundTrip: null });
    t.equal(verdict.text, 'STUN works; no turn: URL to relay through');
  });
});
