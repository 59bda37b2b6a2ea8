import { test } from 'tap';
import { iceUrls, type ListenerInfo, labNote, makeIceServer, urlHost } from '../../src/config/ice-servers.ts';

const user = { username: 'lab', credential: 'secret' };
const udp: ListenerInfo = { transport: 'udp', address: '192.0.2.1', port: 3478 };
const both: ListenerInfo = { transport: 'tcp+tls', address: '*', port: 3478 };
const tls: ListenerInfo = { transport: 'tcp+tls', address: '*', port: 5349 };

function urls(listeners: readonly ListenerInfo[], trustedCertificate = true, host = '192.0.2.1') {
  return makeIceServer({ ...user, host, listeners, trustedCertificate }).urls;
}

test('UDP comes first, then TCP, then TLS on the last port that takes it', async (t) => {
  t.same(urls([tls, both, udp].reverse()), [
    'turn:192.0.2.1:3478?transport=udp',
    'turn:192.0.2.1:3478?transport=tcp',
    'turns:192.0.2.1:5349?transport=tcp',
  ]);
});

test('there is no turns: URL for a certificate that browsers refuse', async (t) => {
  t.same(urls([udp, tls], false), ['turn:192.0.2.1:3478?transport=udp', 'turn:192.0.2.1:5349?transport=tcp']);
});

test('what is not listened on has no URL', async (t) => {
  t.same(urls([{ transport: 'tls', address: '*', port: 443 }]), ['turns:192.0.2.1:443?transport=tcp']);
  t.same(urls([{ transport: 'tcp', address: '*', port: 80 }]), ['turn:192.0.2.1:80?transport=tcp']);
  t.same(urls([]), []);
});

test('a listener that only proxies can speak to has no URL', async (t) => {
  const proxied: ListenerInfo = { ...tls, proxyProtocol: true };
  t.same(urls([udp, proxied]), ['turn:192.0.2.1:3478?transport=udp']);
});

test('an IPv6 host stands in brackets', async (t) => {
  t.same(urls([udp], true, '2001:db8::1'), ['turn:[2001:db8::1]:3478?transport=udp']);
});

test('the host is the only address listened on, else the address that is shown', async (t) => {
  t.equal(urlHost(['203.0.113.1'], [udp, { ...tls, address: '192.0.2.1' }]), '192.0.2.1');
  t.equal(urlHost(['203.0.113.1'], [udp, tls]), '203.0.113.1');
  t.equal(urlHost(['203.0.113.1'], [tls]), '203.0.113.1', 'a wildcard is no address');
});

test('the note has the entry on a line of its own, as JSON, and the check page', async (t) => {
  const iceServer = makeIceServer({ ...user, host: '192.0.2.1', listeners: [udp], trustedCertificate: false });
  const lines = labNote(iceServer, '/somewhere/check.html').split('\n');
  const json = lines.find((line) => line.startsWith('{')) ?? '';
  t.same(JSON.parse(json), { iceServers: [{ urls: ['turn:192.0.2.1:3478?transport=udp'], ...user }] });
  t.ok(lines.some((line) => line.includes('/somewhere/check.html')));
});

test('apps get a URL for each port, a port of TCP and TLS once', async (t) => {
  const of = (text: string, trustedCertificate = true): string[] => {
    const listeners = text.split(' ').map((one) => {
      const [transport = '', port] = one.split(':');
      return { transport: transport as ListenerInfo['transport'], port: Number(port) };
    });
    return iceUrls({ host: 't.example', listeners, trustedCertificate }).map((url) =>
      url.replace(':t.example:', ' ').replace('?transport=', ' '),
    );
  };
  t.same(of('udp:3478 tcp+tls:3478 tcp+tls:5349'), ['stun 3478', 'turn 3478 udp', 'turn 3478 tcp', 'turns 5349 tcp']);
  t.same(of('udp:3478 udp:3478 udp:443 tcp:80 tls:443 tls:5349'), [
    ...['stun 3478', 'turn 3478 udp', 'turn 443 udp', 'turn 80 tcp', 'turns 443 tcp', 'turns 5349 tcp'],
  ]);
  t.same(of('tcp+tls:3478 tcp+tls:443 tcp+tls:5349 tls:8443'), [
    ...['turn 3478 tcp', 'turns 8443 tcp', 'turns 443 tcp', 'turns 5349 tcp'],
  ]);
  t.same(of('tcp+tls:1234'), ['turn 1234 tcp', 'turns 1234 tcp'], 'the only one is both');
  t.same(of('tcp+tls:5349'), ['turn 5349 tcp', 'turns 5349 tcp']);
  t.same(of('udp:3478 tls:443 tcp+tls:5349', false), ['stun 3478', 'turn 3478 udp', 'turn 5349 tcp']);
});
