// Binding (RFC 8489 §6.3.1, §12): what a client learns of itself, over which transports, at what cost.

import { test } from 'tap';
import { readIpText } from '../../src/stun/ip-address.ts';
import { ClientEndpoint } from '../../src/turn/client-endpoint.ts';
import { Lab, transportAddress } from '../support/lab.ts';
import { LabClient, REQUEST } from '../support/lab-client.ts';
import { vectorNamed } from '../support/vectors.ts';
import { attr, decode, message } from '../support/wire.ts';
import { lifetime } from '../support/wire-attributes.ts';

// A LabClient that also notes through which endpoint each answer left.
class WatchedClient extends LabClient {
  readonly routes: string[] = [];

  override send(first: Buffer | ClientEndpoint, buffer?: Buffer, start?: number, end?: number): void {
    if (!(first instanceof ClientEndpoint)) return super.send(first);
    this.routes.push(`${first.transport} ${first.local.text} > ${first.client.text}`);
    super.send(first, buffer as Buffer, start as number, end as number);
  }
}

test('STUN-08 an answer leaves by the endpoint that was asked: same transport, both addresses', async (t) => {
  const lab = new Lab();
  const watched = (transport: 'udp' | 'tcp', server: string, address: string) =>
    new WatchedClient(lab.engine, transportAddress(address), transportAddress(server), { transport });
  const first = watched('udp', '203.0.113.1:3478', '198.51.100.7:1000');
  const second = watched('udp', '203.0.113.2:5349', '198.51.100.7:1000');
  const third = watched('tcp', '[2001:db8::1]:3478', '[2001:db8:7::9]:1000');
  for (const client of [first, second, third]) {
    await client.exchange(message({ type: REQUEST.binding }));
    await client.allocated();
    await client.request(REQUEST.refresh, []);
  }
  t.same(first.routes, Array(4).fill('udp 203.0.113.1:3478 > 198.51.100.7:1000'));
  t.same(second.routes, Array(4).fill('udp 203.0.113.2:5349 > 198.51.100.7:1000'));
  t.same(third.routes, Array(4).fill('tcp [2001:db8::1]:3478 > [2001:db8:7::9]:1000'));
});

test('STUN-09 XOR-MAPPED-ADDRESS is the source as the server sees it', async (t) => {
  const lab = new Lab();
  for (const address of ['198.51.100.7:1', '192.0.2.255:65535', '[2001:db8::7]:8080']) {
    for (const transport of ['udp', 'tcp'] as const) {
      const client = lab.client({ address, transport });
      const answer = client.must(await client.exchange(message({ type: REQUEST.binding })));
      t.equal(answer.xorAddress(attr.xorMappedAddress), address, transport);
    }
  }
});

test('STUN-10 addresses are xored: the whole answers to IPv4 and IPv6 clients are the known bytes', async (t) => {
  const lab = new Lab();
  const request = Buffer.from(vectorNamed('derived-binding-request').hex, 'hex');
  const v4 = lab.client({ address: '198.51.100.7:54321' });
  const first = v4.must(await v4.exchange(request));
  t.equal(first.bytes.toString('hex'), vectorNamed('derived-binding-success-v4').hex);
  const v6 = lab.client({ address: '[2001:db8::1]:54321' });
  const second = v6.must(await v6.exchange(request));
  t.equal(second.bytes.toString('hex'), vectorNamed('derived-binding-success-v6').hex);
});

test('STUN-11 an IPv4 client on a dual-stack socket is reported as IPv4', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const endpoint = new ClientEndpoint(client, 'udp', transportAddress('[::]:3478'));
  t.ok(readIpText('::ffff:198.51.100.7', endpoint.source));
  endpoint.source.port = 54_321;
  const request = Buffer.from(vectorNamed('derived-binding-request').hex, 'hex');
  lab.engine.fromClient(endpoint, request, 0, request.length);
  const [answer] = client.take().map(decode);
  t.equal(answer?.get(attr.xorMappedAddress)?.length, 8);
  t.equal(answer?.xorAddress(attr.xorMappedAddress), '198.51.100.7:54321');
});

test('STUN-12 a Binding request of 20 bytes succeeds over UDP and TCP', async (t) => {
  const lab = new Lab();
  for (const transport of ['udp', 'tcp', 'tls'] as const) {
    const client = lab.client({ transport });
    const bytes = message({ type: REQUEST.binding });
    t.equal(bytes.length, 20);
    t.equal(client.must(await client.exchange(bytes)).type, 0x0101, transport);
  }
});

test('STUN-18 ICE attributes and those of other methods are ignored', async (t) => {
  const client = new Lab().client();
  const attrs = [
    [0x0024, '6e0001ff'],
    [0x0025, ''],
    [0x8029, '932ff9b151263b36'],
    [0x802a, '932ff9b151263b36'],
    [attr.lifetime, '00000258'],
    [attr.channelNumber, '40000000'],
  ] as const;
  const answer = client.must(await client.exchange(message({ type: REQUEST.binding, attrs })));
  t.equal(answer.type, 0x0101);
  await client.allocated();
  const refreshed = await client.request(REQUEST.refresh, [lifetime(700), [attr.data, '6869'], [0x0025, '']]);
  t.equal(refreshed.uint32(attr.lifetime), 700);
});

test('STUN-25 no request needs FINGERPRINT', async (t) => {
  const client = new Lab().client();
  t.equal(client.must(await client.exchange(message({ type: REQUEST.binding }))).type, 0x0101);
  await client.allocated();
  t.equal((await client.request(REQUEST.refresh, [])).type, 0x0104);
});

test('STUN-26 FINGERPRINT is in the answer exactly when it was in the request', async (t) => {
  const client = new Lab().client();
  const requests = [
    (fingerprint: boolean) => message({ type: REQUEST.binding, fingerprint }),
    (fingerprint: boolean) => message({ type: REQUEST.allocate, fingerprint }),
    (fingerprint: boolean) => client.signed(REQUEST.refresh, [], { fingerprint }),
  ];
  await client.allocated();
  for (const make of requests) {
    t.ok(client.must(await client.exchange(make(true))).fingerprintOk());
    t.notOk(client.must(await client.exchange(make(false))).has(attr.fingerprint));
  }
});

test('STUN-28 SOFTWARE is sent when set, absent when off', async (t) => {
  const on = new Lab({ settings: { software: 'turnd 1.2.3' } }).client();
  const off = new Lab().client();
  t.equal((await on.allocate()).text(attr.software), 'turnd 1.2.3');
  t.equal((await on.request(REQUEST.refresh, [])).text(attr.software), 'turnd 1.2.3');
  t.notOk((await off.allocate()).has(attr.software));
  t.notOk((await off.challenge()).has(attr.software));
});

test('STUN-29 the same Binding request twice gets the same answer and leaves nothing', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const bytes = message({ type: REQUEST.binding });
  const [first, second] = [await client.exchange(bytes), await client.exchange(bytes)];
  t.equal(first?.type, 0x0101);
  t.same(first?.bytes, second?.bytes);
  t.notOk(client.retained);
});

test('STUN-31 Binding needs no credentials unless the operator says so', async (t) => {
  const open = new Lab().client();
  t.equal(open.must(await open.exchange(message({ type: REQUEST.binding }))).type, 0x0101);
  const guarded = new Lab({ settings: { authenticateBinding: true } }).client();
  const challenge = guarded.must(await guarded.exchange(message({ type: REQUEST.binding })));
  t.equal(challenge.errorCode, 401);
  t.equal(challenge.text(attr.realm), 'example.org');
  guarded.nonce = challenge.text(attr.nonce) ?? '';
  const answer = await guarded.request(REQUEST.binding, []);
  t.equal(answer.type, 0x0101);
  t.ok(answer.integrityOk(guarded.key));
});

test('STUN-31 a Binding request is not redirected', async (t) => {
  const client = new Lab().client();
  const answer = client.must(await client.exchange(message({ type: REQUEST.binding })));
  t.same(answer.types, [attr.xorMappedAddress]);
});

test('STUN-32 TRANSACTION-TRANSMIT-COUNTER is ignored, never 420', async (t) => {
  const client = new Lab().client();
  const answer = client.must(await client.exchange(message({ type: REQUEST.binding, attrs: [[0x8025, '00000100']] })));
  t.equal(answer.type, 0x0101);
  t.notOk(answer.has(0x8025));
});
