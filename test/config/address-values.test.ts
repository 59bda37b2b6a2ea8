// The textual forms of addresses, good and bad.

import { test } from 'tap';
import {
  isHostName,
  parseCidr,
  parseConcreteIp,
  parseHostPort,
  parseIceUrl,
  parseIp,
  parsePort,
  parsePortRange,
} from '../../src/config/address-values.ts';

test('an IP address is brought to its canonical spelling', async (t) => {
  t.same(parseIp('192.0.2.1'), { value: '192.0.2.1' });
  t.same(parseIp('2001:DB8:0:0::1'), { value: '2001:db8::1' });
});

test('spellings that other parsers read as another address are refused', async (t) => {
  for (const text of ['0177.0.0.1', '127.1', '0x7f.0.0.1', '1.2.3.4 ', '', '1.2.3.256', '[::1]']) {
    t.same(parseIp(text), { error: `${JSON.stringify(text)} is not an IP address` });
  }
  t.same(parseIp('fe80::1%eth0'), { error: '"fe80::1%eth0" has a zone, which has no meaning here' });
  t.same(parseIp('::ffff:10.0.0.1'), { error: '"::ffff:10.0.0.1" must be written as IPv4: 10.0.0.1' });
  t.same(parseIp('::ffff:a00:1'), { error: '"::ffff:a00:1" must be written as IPv4: 10.0.0.1' });
});

test('a wildcard does not name one address', async (t) => {
  for (const text of ['0.0.0.0', '::']) {
    t.same(parseConcreteIp(text), { error: `${JSON.stringify(text)} does not name one address` });
  }
  t.same(parseConcreteIp('127.0.0.1'), { value: '127.0.0.1' });
});

test('a network is kept, and a bare address is a network of one', async (t) => {
  t.same(parseCidr('10.0.0.0/8'), { value: '10.0.0.0/8' });
  t.same(parseCidr('0.0.0.0/0'), { value: '0.0.0.0/0' });
  t.same(parseCidr('192.0.2.1'), { value: '192.0.2.1/32' });
  t.same(parseCidr('2001:DB8::/32'), { value: '2001:db8::/32' });
  t.same(parseCidr('::1'), { value: '::1/128' });
  t.same(parseCidr('64:ff9b::1.2.3.0/120'), { value: '64:ff9b::102:300/120' });
});

test('a network with host bits names the right network (S32)', async (t) => {
  t.same(parseCidr('10.0.0.1/8'), { error: '"10.0.0.1/8" has bits set beyond its prefix; the network is 10.0.0.0/8' });
  t.same(parseCidr('192.0.2.255/25'), {
    error: '"192.0.2.255/25" has bits set beyond its prefix; the network is 192.0.2.128/25',
  });
  t.same(parseCidr('2001:db8:ffff::/33'), {
    error: '"2001:db8:ffff::/33" has bits set beyond its prefix; the network is 2001:db8:8000::/33',
  });
});

test('malformed networks are refused', async (t) => {
  t.same(parseCidr('10.0.0.0/33'), { error: '"10.0.0.0/33" has a prefix longer than 32' });
  t.same(parseCidr('::/129'), { error: '"::/129" has a prefix longer than 128' });
  t.same(parseCidr('10.0.0.0/'), { error: '"10.0.0.0/" is not a network such as 10.0.0.0/8 or 2001:db8::/32' });
  t.same(parseCidr('10.0.0/8'), { error: '"10.0.0" is not an IP address' });
});

test('ports beyond 65535 are refused and not folded (S32)', async (t) => {
  t.same(parsePort('65536'), { error: '"65536" is not a port (0 to 65535)' });
  t.same(parsePort('-1'), { error: '"-1" is not a port (0 to 65535)' });
  t.same(parsePort('65535'), { value: 65535 });
});

test('a port range has both ends in 1024-65535, in order', async (t) => {
  t.same(parsePortRange('49152-65535'), { value: { min: 49152, max: 65535 } });
  t.same(parsePortRange('5000-5000'), { value: { min: 5000, max: 5000 } });
  t.same(parsePortRange('1023-2000'), { error: '"1023-2000" reaches outside 1024-65535' });
  t.same(parsePortRange('2000-65536'), { error: '"2000-65536" reaches outside 1024-65535' });
  t.same(parsePortRange('3000-2000'), { error: '"3000-2000" begins after its end' });
  t.same(parsePortRange('3000'), { error: '"3000" is not a range of ports such as 49152-65535' });
});

test('host and port of a STUN server', async (t) => {
  t.same(parseHostPort('stun.example.org:19302'), { value: { host: 'stun.example.org', port: 19302 } });
  t.same(parseHostPort('192.0.2.1'), { value: { host: '192.0.2.1', port: 3478 } });
  t.same(parseHostPort('[2001:db8::1]:5000'), { value: { host: '2001:db8::1', port: 5000 } });
  for (const text of ['2001:db8::1', '1.2.3.999:1', 'a b:1', ':1', '[x]:1']) {
    t.same(parseHostPort(text), { error: `${JSON.stringify(text)} is not host:port` });
  }
  t.same(parseHostPort('a:0'), { error: '"a:0" needs a port above 0' });
});

test('a mistyped IPv4 address is no DNS name', async (t) => {
  t.notOk(isHostName('1.2.3.400'));
  t.notOk(isHostName('-a.example'));
  t.ok(isHostName('turn.example.org'));
  t.ok(isHostName('localhost'));
});

test('URLs for apps: those of RFC 7064 and RFC 7065', async (t) => {
  const good = ['stun:turn.example.com', 'stuns:192.0.2.1:5349', 'turn:[2001:db8::1]:3478?transport=udp'];
  for (const text of [...good, 'turns:turn.example.com:443?transport=tcp', 'turn:h'])
    t.same(parseIceUrl(text), { value: text });
  const bad = [
    '',
    'turn:',
    'turn://h:1',
    'http://h',
    'turn:h:0',
    'turn:h:65536',
    'turn:h:1?transport=sctp',
    'turn:h?x=1',
  ];
  for (const text of [
    ...bad,
    'stun:h?transport=udp',
    'turn:2001:db8::1',
    'turn:[192.0.2.1]',
    'turn:[x]',
    'turn:u@h',
    ' turn:h',
  ])
    t.match(parseIceUrl(text), { error: /is not a URL such as turn:/ }, text);
});
