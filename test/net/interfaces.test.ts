import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'tap';
import { HostExpander, listLocalAddresses, pickRelayAddresses, scopeOf } from '../../src/net/interfaces.ts';
import { parseIp } from '../../src/stun/ip-address.ts';

/** The shape of os.networkInterfaces() for these addresses. */
function host(interfaces: Record<string, string[]>): () => Record<string, NetworkInterfaceInfo[]> {
  const info = (address: string): NetworkInterfaceInfo => {
    const common = { address, netmask: '', mac: '00:00:00:00:00:00', internal: false, cidr: null };
    return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
  };
  return () => Object.fromEntries(Object.entries(interfaces).map(([name, texts]) => [name, texts.map(info)]));
}

function picked(interfaces: Record<string, string[]>) {
  const { ipv4, ipv6 } = pickRelayAddresses(listLocalAddresses(host(interfaces)));
  return [ipv4?.ip.text ?? null, ipv6?.ip.text ?? null, ipv4?.scope ?? ipv6?.scope ?? null];
}

const LO = ['127.0.0.1', '::1'];

test('the scope of an address follows the special-purpose registries', async (t) => {
  const scopes = {
    '8.8.8.8': 'public',
    '2a00:1450::1': 'public',
    '10.0.0.1': 'private',
    '100.64.0.1': 'private',
    '192.0.2.2': 'private',
    'fd00::1': 'private',
    '169.254.1.1': 'link-local',
    'fe80::1': 'link-local',
    '127.0.0.1': 'loopback',
    '::1': 'loopback',
    '224.0.0.1': 'unusable',
    '2002:808:808::1': 'unusable',
  };
  for (const [text, scope] of Object.entries(scopes)) t.equal(scopeOf(parseIp(text)!), scope, text);
});

test('interfaces are listed in order, each address once, without the zone', async (t) => {
  const read = host({ lo: LO, eth0: ['10.0.0.5', 'fe80::1%eth0'], eth1: ['10.0.0.5', 'fe80::1'] });
  t.strictSame(
    listLocalAddresses(read).map(({ ip, interfaceName }) => `${interfaceName} ${ip.text}`),
    ['lo 127.0.0.1', 'lo ::1', 'eth0 10.0.0.5', 'eth0 fe80::1'],
  );
});

test('the addresses of this machine are readable', async (t) => {
  t.ok(listLocalAddresses().some(({ scope }) => scope === 'loopback'));
});

test('auto relays from a public address before a private one', async (t) => {
  t.strictSame(picked({ lo: LO, eth0: ['10.0.0.5', 'fd00::5'], eth1: ['8.8.8.8', '2a00::5'] }), [
    '8.8.8.8',
    '2a00::5',
    'public',
  ]);
});

test('auto takes the first private address, and never a link-local one', async (t) => {
  const read = { lo: LO, eth0: ['169.254.3.3', 'fe80::1', '192.168.1.5'], docker0: ['172.17.0.1'] };
  t.strictSame(picked(read), ['192.168.1.5', null, 'private']);
});

test('auto takes loopback only where the host has nothing else, and says so', async (t) => {
  t.strictSame(picked({ lo: LO }), ['127.0.0.1', '::1', 'loopback']);
  t.strictSame(picked({ lo: LO, eth0: ['10.0.0.5'] }), ['10.0.0.5', null, 'private'], 'not for one family alone');
  t.strictSame(picked({ lo: LO, eth0: ['fd00::5'] }), [null, 'fd00::5', 'private']);
  t.strictSame(picked({}), [null, null, null]);
});

test('wildcard hosts become every literal address of their families', async (t) => {
  const hosts = new HostExpander(
    () => t.fail('nothing to report'),
    host({ lo: LO, eth0: ['10.0.0.5', 'fd00::5', 'fe80::5'] }),
  );
  const expanded = (text: string) => hosts.expand(text)?.map((ip) => ip.text);
  t.strictSame(expanded('*'), ['127.0.0.1', '10.0.0.5', '::1', 'fd00::5'], 'link-local IPv6 is left out');
  t.strictSame(expanded('0.0.0.0'), ['127.0.0.1', '10.0.0.5']);
  t.strictSame(expanded('[::]'), ['::1', 'fd00::5']);
  t.strictSame(expanded('::'), ['::1', 'fd00::5']);
});

test('a literal host is itself, and a name is no host', async (t) => {
  const hosts = new HostExpander(() => t.fail('nothing to report'), host({}));
  t.strictSame(
    hosts.expand('203.0.113.9')?.map((ip) => ip.text),
    ['203.0.113.9'],
  );
  t.strictSame(
    hosts.expand('[fe80::1]')?.map((ip) => ip.text),
    ['fe80::1'],
  );
  for (const text of ['localhost', '', '[]', '[::1', '::1]', '0', '**']) t.equal(hosts.expand(text), null, text);
});

test('a family that the host lacks is reported once, and a new address is seen', async (t) => {
  const reports: string[] = [];
  let read = host({ lo: ['127.0.0.1'], eth0: ['fe80::5'] });
  const hosts = new HostExpander(
    (message) => reports.push(message),
    () => read(),
  );
  for (let scan = 0; scan < 3; scan++)
    t.strictSame(
      hosts.expand('*')?.map((ip) => ip.text),
      ['127.0.0.1'],
    );
  t.equal(reports.length, 1);
  t.match(reports[0], /no IPv6 address/);
  read = host({ lo: LO });
  t.strictSame(
    hosts.expand('[::]')?.map((ip) => ip.text),
    ['::1'],
  );
});
