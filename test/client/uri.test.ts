// URIs: RFC 7064, RFC 7065 with its Appendix A.

import { test } from 'tap';
import { parseTurnUri } from '../../src/client/uri.ts';

function read(text: string) {
  const result = parseTurnUri(text);
  return result.ok ? [result.uri.scheme, result.uri.host, result.uri.port, result.uri.transport] : result.error;
}

test('CLI-01 stun and stuns: host and port, brackets around IPv6, no transport, no slashes', async (t) => {
  t.strictSame(read('stun:example.org'), ['stun', 'example.org', null, null]);
  t.strictSame(read('stuns:example.org:8000'), ['stuns', 'example.org', 8000, null]);
  t.strictSame(read('stun:[::1]:3478'), ['stun', '::1', 3478, null]);
  t.strictSame(read('STUN:Example.ORG'), ['stun', 'example.org', null, null]);
  t.match(read('stun://h'), /slashes: write stun:host/);
  t.match(read('stun:h?transport=udp'), /stun URIs take none/);
  t.match(read('stun:::1'), /without brackets/);
});

test('CLI-02 turn and turns: the table of RFC 7065 Appendix A', async (t) => {
  t.strictSame(read('turn:example.org'), ['turn', 'example.org', null, null]);
  t.strictSame(read('turns:example.org'), ['turns', 'example.org', null, null]);
  t.strictSame(read('turn:example.org:8000'), ['turn', 'example.org', 8000, null]);
  t.strictSame(read('turn:example.org?transport=udp'), ['turn', 'example.org', null, 'udp']);
  t.strictSame(read('turn:example.org?transport=tcp'), ['turn', 'example.org', null, 'tcp']);
  t.strictSame(read('turns:example.org?transport=tcp'), ['turns', 'example.org', null, 'tls']);
  t.strictSame(read('turn:[2001:db8::1]:3478?transport=TCP'), ['turn', '2001:db8::1', 3478, 'tcp']);
});

test('CLI-03 turns over udp is DTLS and over tcp TLS; an unknown transport is an error', async (t) => {
  t.strictSame(read('turns:h?transport=udp'), ['turns', 'h', null, 'dtls']);
  t.strictSame(read('turns:h?transport=tcp'), ['turns', 'h', null, 'tls']);
  t.match(read('turn:h?transport=sctp'), /transport "sctp": expected udp or tcp/);
  t.match(read('turn:h?transport='), /transport "": expected/);
  t.match(read('turn:h?x=1'), /only \?transport=udp/);
});

test('a wrong URI is refused in one sentence that says what to write', async (t) => {
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['turn.example.org', /does not begin with .* \(write turn:turn\.example\.org\)/],
    ['turn.example.org:3478', /write turn:turn\.example\.org:3478/],
    ['http://h', /does not begin/],
    ['', /does not begin/],
    ['turn:', /has no host/],
    ['turn:?transport=udp', /has no host/],
    ['turn:user@h', /credentials do not belong/],
    ['turn:h:0', /"0" for a port/],
    ['turn:h:65536', /"65536" for a port/],
    ['turn:h:', /"" for a port/],
    ['turn:h:12x', /"12x" for a port/],
    ['turn:1.2.3', /no IPv4 address/],
    ['turn:1.2.3.256', /no IPv4 address/],
    ['turn:[1.2.3.4]', /no IPv6 address/],
    ['turn:[fe80::1%eth0]', /no IPv6 address/],
    ['turn:h/path', /more after the host/],
    ['turn:h#f', /more after the host/],
    ['turn:a b', /more after the host/],
    ['turn:-a.example', /no host name/],
    [`turn:${'a'.repeat(64)}.org`, /no host name/],
  ];
  for (const [text, pattern] of refusals) t.match(read(text), pattern, text);
  t.strictSame(read('turn:bücher.example'), ['turn', 'xn--bcher-kva.example', null, null]);
});
