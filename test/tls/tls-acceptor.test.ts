import { execFileSync } from 'node:child_process';
import { connect as connectTls } from 'node:tls';
import { test } from 'tap';
import { StreamMode } from '../../src/streams/stream-listener.ts';
import {
  bindingRequest,
  bindingSuccess,
  OpensslClient,
  openRig,
  openssl,
  type RawClient,
  Received,
  rawClient,
  transaction,
  turn,
} from '../streams/support.ts';

const { skip } = openssl;
const answer = bindingSuccess(transaction(1));

for (const suite of ['ECDHE-RSA-AES128-GCM-SHA256', 'DHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256']) {
  test(`TRN-12 TLS 1.2 with ${suite}`, { skip }, async (t) => {
    const { port } = await openRig(t, StreamMode.TLS);
    const client = new OpensslClient(t, port, ['-tls1_2', '-cipher', suite, '-ign_eof']);
    const printed = await client.printed(`Cipher is ${suite}`);
    t.match(printed, 'New, TLSv1.2');
    client.write(bindingRequest(1));
    await client.printed(answer);
  });
}

for (const suite of ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']) {
  test(`TRN-12 TLS 1.3 with ${suite}`, { skip }, async (t) => {
    const { port } = await openRig(t, StreamMode.TLS);
    const client = new OpensslClient(t, port, ['-tls1_3', '-ciphersuites', suite, '-ign_eof']);
    await client.printed(`New, TLSv1.3, Cipher is ${suite}`);
    client.write(bindingRequest(1));
    await client.printed(answer);
  });
}

test('TRN-13 of all suites a forward-secret one is chosen, whatever the client prefers', { skip }, async (t) => {
  const { port } = await openRig(t, StreamMode.TLS);
  const offered = 'AES256-GCM-SHA384:DHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256';
  const client = new OpensslClient(t, port, ['-tls1_2', '-cipher', offered, '-ign_eof']);
  const printed = await client.printed('Verify return code');
  t.match(printed, 'Cipher is ECDHE-RSA-AES128-GCM-SHA256');
  t.match(printed, 'Compression: NONE');
});

test('TRN-13 what is older than TLS 1.2 is refused', { skip }, async (t) => {
  const { engine, tls, port } = await openRig(t, StreamMode.TLS);
  for (const version of ['-tls1', '-tls1_1']) {
    const client = new OpensslClient(t, port, [version, '-cipher', 'ALL@SECLEVEL=0', '-ign_eof']);
    t.match(await client.ended(), 'alert protocol version');
  }
  t.equal(tls?.counters.handshakeFailures, 2);
  t.equal(engine.frames.length, 0);
});

test('TRN-13 suites without forward secrecy or AEAD are refused', { skip }, async (t) => {
  const { port } = await openRig(t, StreamMode.TLS);
  const suites = ['AES128-GCM-SHA256', 'AES256-SHA', 'ECDHE-RSA-AES128-SHA', 'DHE-RSA-AES256-SHA256', 'AES128-SHA256'];
  for (const suite of suites) {
    const client = new OpensslClient(t, port, ['-tls1_2', '-cipher', `${suite}@SECLEVEL=0`, '-ign_eof']);
    t.match(await client.ended(), 'alert handshake failure', suite);
  }
});

test('S62 renegotiation is refused', { skip }, async (t) => {
  const { tls, port } = await openRig(t, StreamMode.TLS);
  const client = new OpensslClient(t, port, ['-tls1_2']);
  await client.printed('Verify return code');
  client.write('R\n');
  t.match(await client.ended(), 'no renegotiation');
  t.equal(tls?.counters.handshakes, 1);
});

test('TRN-15 an ALPN name that is known is selected', { skip }, async (t) => {
  const { port } = await openRig(t, StreamMode.TLS);
  const offers = [
    ['stun.turn', 'stun.turn'],
    ['h2,stun.nat-discovery', 'stun.nat-discovery'],
  ] as const;
  for (const [offered, selected] of offers) {
    const client = new OpensslClient(t, port, ['-alpn', offered, '-ign_eof']);
    await client.printed(`ALPN protocol: ${selected}`);
  }
});

test('TRN-15 a client without ALPN is served', { skip }, async (t) => {
  const { port } = await openRig(t, StreamMode.TLS);
  const client = new OpensslClient(t, port, ['-ign_eof']);
  await client.printed('No ALPN negotiated');
  client.write(bindingRequest(1));
  await client.printed(answer);
});

test('TRN-15 ALPN names of which none is known get no_application_protocol', { skip }, async (t) => {
  const { tls, port } = await openRig(t, StreamMode.TLS);
  const client = new OpensslClient(t, port, ['-alpn', 'h2,http/1.1', '-ign_eof']);
  t.match(await client.ended(), 'alert no application protocol');
  t.equal(tls?.counters.handshakeFailures, 1);
  t.equal(tls?.handshaking, 0);
});

// A ClientHello record that claims more than has come: the handshake has begun and cannot end.
const HALF_HELLO = Buffer.from('16030100c8010000c40303', 'hex');

test('TRN-09 a handshake that is left half-open is destroyed after 10 s', async (t) => {
  const { group, engine, clock, tls, port } = await openRig(t, StreamMode.TLS);
  const client = await rawClient(t, port);
  client.socket.write(HALF_HELLO);
  while (tls?.handshaking !== 1) await turn();
  clock.time += 9999;
  group.sweep();
  t.equal(tls.handshaking, 1);
  clock.time += 1;
  group.sweep();
  t.equal((await client.received.end()).length, 0);
  t.equal(tls.handshaking, 0);
  t.equal(tls.counters.handshakeTimeouts, 1);
  t.equal(tls.counters.handshakeFailures, 0);
  while (group.sockets > 0) await turn();
  t.equal(engine.closed.length, 0);
});

test('S46 a handshake beyond the tenth of one client is closed before it begins', async (t) => {
  const { tls, port } = await openRig(t, StreamMode.TLS);
  for (let count = 0; count < 10; count++) (await rawClient(t, port)).socket.write(HALF_HELLO);
  while (tls?.handshaking !== 10) await turn();
  const refused = await rawClient(t, port);
  refused.socket.write(HALF_HELLO);
  t.equal((await refused.received.end()).length, 0);
  t.equal(tls.counters.handshakesRefused, 1);
});

test('S46 of more than two hundred handshakes in progress the oldest makes room', async (t) => {
  const { tls, clock, group, port } = await openRig(t, StreamMode.TLS);
  const opened: RawClient[] = [];
  const open = async (source: string): Promise<RawClient> => {
    const client = await rawClient(t, port, source);
    client.socket.write(HALF_HELLO);
    opened.push(client);
    return client;
  };
  for (let count = 0; count < 200; count++) {
    await open(`127.0.1.${count % 20}`);
    clock.time += 10;
  }
  while (tls?.handshaking !== 200) await turn();
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
  t.teardown(() => socket.destroy());
  const received = new Received().listen(socket);
  socket.write(bindingRequest(1));
  await received.until(() => received.bytes.equals(answer));
  await opened[0]?.received.end();
  t.equal(tls.counters.handshakesMadeRoom, 1);
  t.equal(tls.handshaking, 199);
  while (group.sockets > 200) await turn();
  t.equal(opened.filter(({ received: { isClosed } }) => isClosed).length, 1);
});

test('S46 handshakes that fail or are abandoned give their places and sockets back', async (t) => {
  const { group, tls, port } = await openRig(t, StreamMode.TLS);
  const garbage = await rawClient(t, port);
  garbage.socket.write(Buffer.concat([Buffer.from('1603010020', 'hex'), Buffer.alloc(0x20, 0xee)]));
  await garbage.received.end();
  for (let count = 0; count < 50; count++) {
    const client = await rawClient(t, port);
    client.socket.write(HALF_HELLO);
    while (tls?.handshaking !== 1) await turn();
    if (count % 2 === 0) client.socket.end();
    else client.socket.resetAndDestroy();
    while (tls.handshaking > 0 || group.sockets > 0) await turn();
  }
  t.equal(tls?.counters.handshakeFailures, 51);
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
  t.teardown(() => socket.destroy());
  const received = new Received().listen(socket);
  socket.write(bindingRequest(1));
  await received.until(() => received.bytes.equals(answer));
});

test('S46 server names of any kind get the default certificate', async (t) => {
  const { port } = await openRig(t, StreamMode.TLS);
  for (const servername of ['', '.', '*', '__proto__', 'a'.repeat(255), 'x\u0000y', 'é.example']) {
    const socket = connectTls({ host: '127.0.0.1', port, servername, rejectUnauthorized: false });
    t.teardown(() => socket.destroy());
    const received = new Received().listen(socket);
    socket.write(bindingRequest(1));
    await received.until(() => received.bytes.equals(answer));
    t.match(socket.getPeerCertificate().subjectaltname, 'turn.example.com', JSON.stringify(servername));
  }
});

test('a resumed session is served', { skip }, async (t) => {
  const { tls, port } = await openRig(t, StreamMode.TLS);
  const session = `${t.testdirName}/session`;
  const first = new OpensslClient(t, port, ['-tls1_2', '-sess_out', session, '-ign_eof']);
  first.write(bindingRequest(1));
  await first.printed(answer);
  const second = new OpensslClient(t, port, ['-tls1_2', '-sess_in', session, '-ign_eof']);
  await second.printed('Reused, TLSv1.2');
  second.write(bindingRequest(1));
  await second.printed(answer);
  t.equal(tls?.counters.handshakes, 2);
});

/** Every suite that OpenSSL knows, those without encryption or authentication included. */
function everySuite(): string[] {
  const options = ['-s', '-tls1_2', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'];
  return execFileSync(openssl.path, ['ciphers', ...options])
    .toString()
    .trim()
    .split(':');
}

test('S62 of all suites there are, none without AEAD and forward secrecy is accepted', { skip }, async (t) => {
  const { tls, port } = await openRig(t, StreamMode.TLS);
  const isGood = (suite: string): boolean => /^TLS_|^(ECDHE|DHE)-(RSA|ECDSA)-(AES\d+-GCM|CHACHA20)/.test(suite);
  const bad = everySuite().filter((suite) => !isGood(suite));
  t.ok(bad.length > 40, `${bad.length} suites`);
  // All of them in one offer: were one accepted, the handshake would succeed.
  const client = new OpensslClient(t, port, ['-tls1_2', '-cipher', `${bad.join(':')}:@SECLEVEL=0`, '-ign_eof']);
  t.match(await client.ended(), 'alert handshake failure');
  t.equal(tls?.counters.handshakeFailures, 1);
});
