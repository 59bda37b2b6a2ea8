import { test } from 'tap';
import { readVectors } from './vectors.ts';
import { attr, channelData, decode, decodeChannelData, message, typeOf, unitLength } from './wire.ts';
import { ipBytes, ipText } from './wire-address.ts';
import * as make from './wire-attributes.ts';

const vectors = readVectors();
const wellFormed = vectors.filter((vector) => vector.kind === 'stun' && vector.checks?.lengthFieldOk === true);

test('there are vectors to check against', async (t) => {
  t.ok(wellFormed.length >= 29, `${wellFormed.length}`);
});

for (const vector of wellFormed) {
  test(`the ruler reads ${vector.name}`, async (t) => {
    const bytes = Buffer.from(vector.hex ?? '', 'hex');
    const key = Buffer.from(vector.keyHex ?? '', 'hex');
    const wrong = Buffer.from('wrong');
    const read = decode(bytes);
    t.equal(read.cookie, 0x2112a442);
    t.equal(read.has(attr.messageIntegrity), vector.checks?.messageIntegrity === true);
    t.equal(read.has(attr.messageIntegritySha256), vector.checks?.messageIntegritySha256 === true);
    t.equal(read.integrityOk(key), vector.checks?.messageIntegrity === true);
    t.equal(read.integrityOk(key, 'sha256'), vector.checks?.messageIntegritySha256 === true);
    t.notOk(read.integrityOk(wrong) || read.integrityOk(wrong, 'sha256'));
    t.equal(read.fingerprintOk(), vector.checks?.fingerprint === true);
    if (vector.username !== undefined && read.has(attr.username)) t.equal(read.text(attr.username), vector.username);
    if (vector.mappedAddress !== undefined) {
      const ip = vector.mappedAddress.includes(':') ? `[${vector.mappedAddress}]` : vector.mappedAddress;
      t.equal(read.xorAddress(attr.xorMappedAddress), `${ip}:${vector.mappedPort}`);
    }
  });

  test(`the ruler writes ${vector.name} from its parts`, async (t) => {
    const bytes = Buffer.from(vector.hex ?? '', 'hex');
    const read = decode(bytes);
    const signed: number[] = [attr.messageIntegrity, attr.messageIntegritySha256, attr.fingerprint];
    const { messageIntegrity, messageIntegritySha256, fingerprint } = vector.checks ?? {};
    const kind = messageIntegrity === true ? (messageIntegritySha256 === true ? 'both' : 'sha1') : 'sha256';
    const written = message({
      type: typeOf(read.method, read.cls),
      tid: read.tid,
      attrs: read.attrs.filter(([type]) => !signed.includes(type)),
      padding: Number.parseInt(vector.paddingByte ?? '00', 16),
      integrity: kind,
      sha256Length: read.get(attr.messageIntegritySha256)?.length ?? 32,
      ...(read.has(attr.messageIntegrity) || read.has(attr.messageIntegritySha256)
        ? { key: Buffer.from(vector.keyHex ?? '', 'hex') }
        : {}),
      fingerprint: fingerprint === true,
    });
    t.equal(written.toString('hex'), vector.hex);
  });
}

test('the ruler refuses what is not one well-formed message', async (t) => {
  const broken = vectors.find((vector) => vector.name === 'rfc8489-B.1-as-printed-BROKEN');
  t.throws(() => decode(Buffer.from(broken?.hex ?? '', 'hex')), /length/);
  t.throws(() => decode(Buffer.alloc(19)), /19 bytes/);
  t.throws(() => decode(message({ type: 0x8001 })), /top two bits/);
  t.throws(() => decode(message({ type: 1, length: 4 })), /length/);
  t.throws(() => decode(Buffer.from('000100082112a442b7e7a701bc34d686fa87dfae000600ff41414141', 'hex')), /overruns/);
});

test('the ruler builds the attributes of the vectors', async (t) => {
  const byName = (name: string) => vectors.find((vector) => vector.name === name)?.hex ?? '';
  const tid = (last: string) => `0102030405060708090a0b${last}`;
  const login = [make.username('alice'), make.realm('example.org'), make.nonce('obMatJos2AAAB5f3c1d2e0b9a8877')];
  const allocate = [make.requestedTransport(), make.lifetime(3600), make.dontFragment()];
  t.equal(hex({ type: 0x0003, tid: tid('05'), attrs: allocate }), byName('derived-allocate-unauthenticated'));
  const md5 = make.longTermKey('alice', 'example.org', 's3cret-Pass');
  const sha256 = make.longTermKey('alice', 'example.org', 's3cret-Pass', 'sha256');
  t.equal(
    hex({
      type: 0x0009,
      tid: tid('0c'),
      attrs: [make.channelNumber(0x4001), make.xorPeerAddress('192.0.2.150', 32102), ...login],
      key: md5,
    }),
    byName('derived-channelbind-4001'),
  );
  t.equal(
    hex({
      type: 0x0003,
      tid: tid('08'),
      attrs: [make.requestedTransport(), ...login, make.passwordAlgorithms(2, 1), make.passwordAlgorithm(2)],
      key: sha256,
      integrity: 'both',
      fingerprint: true,
    }),
    byName('derived-allocate-both-mi'),
  );
  t.equal(
    hex({ type: 0x0016, tid: tid('0e'), attrs: [make.xorPeerAddress('2001:db8::1', 4000), make.data('hello')] }),
    byName('derived-send-indication-v6'),
  );
  t.equal(hex({ type: 1, tid: tid('01'), attrs: [make.userhash('マトリックス', 'example.org')] }).slice(48), USERHASH);
  t.equal(
    hex({
      type: 1,
      tid: tid('01'),
      attrs: [
        make.evenPort(true),
        make.evenPort(false),
        make.requestedAddressFamily(6),
        make.additionalAddressFamily(),
        make.reservationToken('0011223344556677'),
        make.software('x'),
      ],
    }).slice(40),
    '0018000180000000001800010000000000170004020000008000000402000000002200080011223344556677802200017800' + '0000',
  );
});

test('the ruler reads an error response', async (t) => {
  const read = decode(Buffer.from(vectors.find(({ name }) => name === 'derived-binding-420')?.hex ?? '', 'hex'));
  t.match(read, { method: 1, cls: 3, errorCode: 420, reason: 'Unknown Attribute', unknownAttributes: [0x7777] });
});

test('the ruler lies when asked to', async (t) => {
  const bytes = message({ type: 1, length: 0x1234, cookie: 0x2112a443, after: [[0x7777, '']], key: Buffer.from('k') });
  t.equal(bytes.readUInt16BE(2), 0x1234);
  t.equal(bytes.readUInt32BE(4), 0x2112a443);
  bytes.writeUInt16BE(bytes.length - 20, 2);
  t.strictSame(decode(bytes).types, [attr.messageIntegrity, 0x7777]);
  t.throws(() => message({ type: 1, attrs: [[6, 'xyz']] }), /not hex/);
});

test('the ruler packs types as the RFCs list them', async (t) => {
  const types = [
    [0x001, 3, 0x0111],
    [0x003, 0, 0x0003],
    [0x006, 1, 0x0016],
    [0x00c, 1, 0x001c],
    [0x080, 0, 0x0200],
    [0x080, 2, 0x0300],
    [0x080, 3, 0x0310],
    [0xfff, 3, 0x3fff],
  ] as const;
  for (const [method, cls, type] of types) {
    t.equal(typeOf(method, cls), type);
    t.match(decode(message({ type })), { method, cls });
  }
});

test('the ruler reads and writes ChannelData', async (t) => {
  for (const vector of vectors.filter(({ kind }) => kind === 'channeldata')) {
    const pad = vector.name.endsWith('tcp');
    const written = channelData(Number(vector.channel), vector.data ?? '', { pad });
    t.equal(written.toString('hex'), vector.hex);
    const read = decodeChannelData(written);
    t.match(read, { channel: 0x4001 });
    t.equal(read.payload.toString(), vector.data);
  }
  t.throws(() => decodeChannelData(channelData(0x4001, 'abc', { length: 4 })), /ChannelData of 8/);
});

test('the ruler cuts a stream into units', async (t) => {
  const units = [channelData(0x4001, 'abc', { pad: true }), message({ type: 1, attrs: [make.software('x')] })];
  const stream = Buffer.concat(units);
  t.equal(unitLength(stream), 8);
  t.equal(unitLength(stream.subarray(8)), 28);
  for (const cut of [0, 3, 4, 7]) t.equal(unitLength(stream.subarray(0, cut)), 0);
});

test('the ruler reads and prints addresses', async (t) => {
  for (const ip of ['0.0.0.0', '192.0.2.150', '::', '::1', '2001:db8::1', 'fe80::1:0:0:1', '1:2:3:4:5:6:7:8'])
    t.equal(ipText(ipBytes(ip)), ip);
  t.equal(ipBytes('::ffff:1.2.3.4').toString('hex'), '00000000000000000000ffff01020304');
});

const USERHASH = '4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704';

function hex(input: Parameters<typeof message>[0]): string {
  return message(input).toString('hex');
}
