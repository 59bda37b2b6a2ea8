// The listen URLs of DESIGN.md §1.

import { test } from 'tap';
import { findClash, formatListenUrl, type ListenAddress, parseListenUrl } from '../../src/config/listen-url.ts';

const GOOD: readonly (readonly [string, ListenAddress])[] = [
  ['udp://*:3478', { transport: 'udp', host: '*', port: 3478 }],
  ['udp://*', { transport: 'udp', host: '*', port: 3478 }],
  ['tls://0.0.0.0', { transport: 'tls', host: '0.0.0.0', port: 5349 }],
  ['tcp+tls://[::]', { transport: 'tcp+tls', host: '::', port: 3478 }],
  ['tcp://[2001:db8::1]:443', { transport: 'tcp', host: '2001:db8::1', port: 443 }],
  ['tls://*?proxy-protocol', { transport: 'tls', host: '*', port: 5349, proxyProtocol: true }],
  ['tcp+tls://[::1]:443?proxy-protocol', { transport: 'tcp+tls', host: '::1', port: 443, proxyProtocol: true }],
  ['udp://127.0.0.1:0', { transport: 'udp', host: '127.0.0.1', port: 0 }],
];

test('listen URLs are read, a missing port by scheme', async (t) => {
  for (const [text, expected] of GOOD) t.same(parseListenUrl(text), { value: expected }, text);
});

test('a listen URL survives being written and read', async (t) => {
  for (const [, address] of GOOD) t.same(parseListenUrl(formatListenUrl(address)), { value: address });
});

test('bad listen URLs are refused with the reason', async (t) => {
  const host = 'the host must be *, an IPv4 address or an [IPv6 address]';
  const cases: readonly (readonly [string, string])[] = [
    ['3478', '"3478" is not a listen URL such as udp://*:3478'],
    ['udp://::1:3478', `"udp://::1:3478": ${host}`],
    ['dtls://*:5349', '"dtls://*:5349": dtls:// is not built yet; use udp://, tcp:// or tls://'],
    ['http://*:80', '"http://*:80": the scheme must be udp, tcp, tls or tcp+tls'],
    ['udp://turn.example.org:3478', `"udp://turn.example.org:3478": ${host}`],
    ['udp://:3478', `"udp://:3478": ${host}`],
    ['udp://*:70000', '"udp://*:70000": "70000" is not a port (0 to 65535)'],
    ['tcp://*:443?proxy', '"tcp://*:443?proxy": ?proxy-protocol is all that may follow the port'],
    ['tcp://*:443?', '"tcp://*:443?": ?proxy-protocol is all that may follow the port'],
    [
      'udp://*:3478?proxy-protocol',
      '"udp://*:3478?proxy-protocol": the PROXY protocol is taken on tcp, tls and tcp+tls only',
    ],
    ['udp://*:', '"udp://*:": "" is not a port (0 to 65535)'],
  ];
  for (const [text, error] of cases) t.same(parseListenUrl(text), { error }, text);
});

test('two listeners cannot take one port, except port 0 and UDP beside TCP', async (t) => {
  const clash = (...urls: string[]) =>
    findClash(
      urls.flatMap((url) => {
        const parsed = parseListenUrl(url);
        return 'value' in parsed ? [parsed.value] : [];
      }),
    );
  t.equal(clash('tcp://*:1', 'udp://*:1', 'tls://*:1'), 2);
  t.equal(clash('udp://*:1', 'tcp://*:1'), -1);
  t.equal(clash('udp://*:0', 'udp://*:0'), -1);
  t.equal(clash('udp://127.0.0.1:1', 'udp://[::1]:1'), -1);
});
