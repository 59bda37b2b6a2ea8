// From a URI to addresses, by a DNS server of our own on loopback.

import { test } from 'tap';
import { namesFrom } from '../../src/client/names.ts';
import { orderSrv, type ResolveOptions, resolveUri } from '../../src/client/resolve.ts';
import { parseTurnUri } from '../../src/client/uri.ts';
import { ipRecord, naptrRecord, srvRecord, startDnsServer, type Zone } from '../support/dns-server.ts';

const ADDRESSES: Zone = {
  'A example.org': [ipRecord('192.0.2.1')],
  'AAAA example.org': [ipRecord('2001:db8::1')],
  'A a.example.org': [ipRecord('192.0.2.10')],
  'A b.example.org': [ipRecord('192.0.2.20')],
};

async function resolve(text: string, zone: Zone, options: ResolveOptions = {}) {
  const server = await startDnsServer({ ...ADDRESSES, ...zone });
  try {
    const result = parseTurnUri(text);
    if (!result.ok) throw new Error(result.error);
    const targets = await resolveUri(result.uri, namesFrom(server.resolver), options);
    const found = targets.map(({ address, transport, by }) => `${address.text} ${transport} ${by}`);
    return { found, names: new Set(targets.map(({ name }) => name)), asked: server.asked };
  } finally {
    server.close();
  }
}

test('CLI-05 an address is taken as it is, with the default port of the scheme', async (t) => {
  t.strictSame((await resolve('turn:192.0.2.7', {})).found, ['192.0.2.7:3478 udp literal']);
  t.strictSame((await resolve('turn:[2001:db8::7]:99?transport=tcp', {})).found, ['[2001:db8::7]:99 tcp literal']);
  t.strictSame((await resolve('stuns:192.0.2.7', {}, { verifyName: 'x.org' })).found, ['192.0.2.7:5349 tls literal']);
});

test('CLI-05 with a port: A and AAAA, and no SRV', async (t) => {
  const { found, asked } = await resolve('turn:example.org:99?transport=tcp', {});
  t.strictSame(found, ['192.0.2.1:99 tcp address', '[2001:db8::1]:99 tcp address']);
  t.strictSame(asked, ['A example.org', 'AAAA example.org']);
});

test('CLI-05 without a port: SRV of the scheme and transport', async (t) => {
  const cases = [
    ['turn:example.org?transport=udp', '_turn._udp', 'udp'],
    ['turn:example.org?transport=tcp', '_turn._tcp', 'tcp'],
    ['turns:example.org?transport=tcp', '_turns._tcp', 'tls'],
    ['turns:example.org?transport=udp', '_turns._udp', 'dtls'],
    ['stun:example.org', '_stun._udp', 'udp'],
    ['stuns:example.org', '_stuns._tcp', 'tls'],
  ] as const;
  for (const [text, service, transport] of cases) {
    const { found, names } = await resolve(text, {
      [`SRV ${service}.example.org`]: [srvRecord(2, 0, 2222, 'b.example.org'), srvRecord(1, 0, 1111, 'a.example.org')],
    });
    t.strictSame(found, [`192.0.2.10:1111 ${transport} srv`, `192.0.2.20:2222 ${transport} srv`], text);
    t.strictSame([...names], ['example.org'], 'the certificate must carry the name of the URI');
  }
});

test('CLI-05 without a transport SRV offers all of them, the first best', async (t) => {
  const { found } = await resolve('turn:example.org', {
    'SRV _turn._tcp.example.org': [srvRecord(1, 0, 2, 'b.example.org')],
    'SRV _turn._udp.example.org': [srvRecord(1, 0, 1, 'a.example.org')],
  });
  t.strictSame(found, ['192.0.2.10:1 udp srv', '192.0.2.20:2 tcp srv']);
});

test('CLI-05 no SRV, an SRV that denies the service, or a server that fails: A and AAAA', async (t) => {
  const expected = ['192.0.2.1:3478 udp address', '[2001:db8::1]:3478 udp address'];
  t.strictSame((await resolve('turn:example.org', {})).found, expected);
  t.strictSame((await resolve('turn:example.org', { 'SRV _turn._udp.example.org': 'fail' })).found, expected);
  const denied = { 'SRV _turn._udp.example.org': [srvRecord(0, 0, 0, '')] };
  t.strictSame((await resolve('turn:example.org', denied)).found, expected);
});

test('CLI-05 S-NAPTR with RELAY leads to SRV or to addresses, in the order of the records', async (t) => {
  const { found } = await resolve('turn:example.org', {
    'NAPTR example.org': [
      naptrRecord(200, 'A', 'RELAY:turn.tcp', 'b.example.org'),
      naptrRecord(100, 'S', 'RELAY:turn.udp', '_x._udp.example.org'),
      naptrRecord(50, 'S', 'RELAY:turn.tls', '_never._tcp.example.org'),
      naptrRecord(10, 'S', 'SIP+D2U', '_sip._udp.example.org'),
    ],
    'SRV _x._udp.example.org': [srvRecord(1, 1, 777, 'a.example.org')],
  });
  t.strictSame(found, ['192.0.2.10:777 udp naptr', '192.0.2.20:3478 tcp naptr']);
});

test('CLI-04 stuns and turns with an address need a name to verify', async (t) => {
  for (const text of ['turns:192.0.2.1', 'stuns:[2001:db8::1]']) {
    await t.rejects(resolve(text, {}), { fault: 'uri', message: /verified by name/ });
    t.strictSame([...(await resolve(text, {}, { verifyName: 'turn.example.org' })).names], ['turn.example.org']);
    t.equal((await resolve(text, {}, { insecure: true })).found.length, 1);
  }
  t.match((await resolve('turns:192.0.2.1', {}, { insecure: true })).found, [/:5349 tls/]);
  t.match((await resolve('turn:192.0.2.1', {})).found, [/:3478 udp/]);
});

test('the family narrows the answer; a name without addresses says so, and so does a failing server', async (t) => {
  t.strictSame((await resolve('turn:example.org:1', {}, { family: 6 })).found, ['[2001:db8::1]:1 udp address']);
  await t.rejects(resolve('turn:a.example.org:1', {}, { family: 6 }), { message: 'a.example.org has no IPv6 address' });
  await t.rejects(resolve('turn:192.0.2.1', {}, { family: 6 }), { message: /no IPv6 address/ });
  await t.rejects(resolve('turn:nix.example', {}), { fault: 'resolution', message: 'nix.example has no address' });
  const broken: Zone = { 'A broken.example': 'fail', 'AAAA broken.example': 'fail' };
  await t.rejects(resolve('turn:broken.example:1', broken), { message: 'broken.example: DNS does not answer' });
});

test('SRV records of one priority are drawn by weight', async (t) => {
  const record = (name: string, priority: number, weight: number) => ({ name, priority, weight, port: 1 });
  const records = [record('late', 2, 100), record('light', 1, 1), record('heavy', 1, 9)];
  const order = (mark: number) => orderSrv(records, () => mark).map(({ name }) => name);
  t.strictSame(order(0.05), ['light', 'heavy', 'late']);
  t.strictSame(order(0.5), ['heavy', 'light', 'late']);
});
