import { test } from 'tap';
import { HostAddresses, type HostAddressSources } from '../../src/net/own-addresses.ts';
import { type IpAddress, parseIp } from '../../src/stun/ip-address.ts';
import { TransportAddress, TransportWords } from '../../src/stun/transport-address.ts';

function ip(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}

function host(changes: Partial<HostAddressSources> = {}): HostAddresses {
  return new HostAddresses({
    local: () => ['127.0.0.1', '10.0.0.5', 'fd00::5'].map(ip),
    relay: () => [ip('10.0.0.5')],
    shownFor: (relay) => (relay.text === '10.0.0.5' ? ip('8.8.8.8') : relay),
    external: () => [],
    listeners: () => [new TransportAddress(ip('10.0.0.5'), 3478)],
    backends: () => [],
    ...changes,
  });
}

test('S35 own are the addresses of interfaces, relays, external addresses and listeners', async (t) => {
  const own = host({
    external: () => [ip('9.9.9.9')],
    relay: () => [ip('10.0.0.6')],
    listeners: () => [new TransportAddress(ip('10.0.0.7'), 1)],
  });
  for (const text of ['10.0.0.5', 'fd00::5', '10.0.0.6', '10.0.0.7', '9.9.9.9', '127.0.0.1'])
    t.ok(own.isOwn(ip(text)), text);
  for (const text of ['10.0.0.4', 'fd00::6', '8.8.8.8', '::a00:5']) t.notOk(own.isOwn(ip(text)), text);
});

test('all of 127.0.0.0/8 and the unspecified addresses lead to this host', async (t) => {
  const own = host({ local: () => [], relay: () => [], listeners: () => [] });
  for (const text of ['127.0.0.1', '127.255.0.9', '0.0.0.0', '::']) t.ok(own.isOwn(ip(text)), text);
  t.notOk(own.isOwn(ip('128.0.0.1')));
});

test('S34 shown is the external address of a relay, not the private one behind it', async (t) => {
  const own = host();
  t.ok(own.isShown(ip('8.8.8.8')));
  t.ok(own.isOwn(ip('8.8.8.8')));
  t.notOk(own.isShown(ip('10.0.0.5')));
});

test('S33 TURN-105 a listener is found at its address and port only', async (t) => {
  const own = host();
  t.ok(own.isListener(ip('10.0.0.5'), 3478));
  t.notOk(own.isListener(ip('10.0.0.5'), 3479));
  t.notOk(own.isListener(ip('fd00::5'), 3478));
  t.notOk(own.isListener(ip('10.0.0.4'), 3478));
});

test('S33 a listener is also found at an external address in front of it', async (t) => {
  t.ok(host().isListener(ip('8.8.8.8'), 3478));
  t.ok(host({ external: () => [ip('9.9.9.9')] }).isListener(ip('9.9.9.9'), 3478));
  t.notOk(host().isListener(ip('8.8.8.8'), 3479));
});

test('S33 a wildcard listener is at every own address of its family', async (t) => {
  const ipv4 = host({ listeners: () => [new TransportAddress(ip('0.0.0.0'), 5349)] });
  for (const text of ['10.0.0.5', '127.0.0.1', '8.8.8.8']) t.ok(ipv4.isListener(ip(text), 5349), text);
  for (const text of ['fd00::5', '1.1.1.1']) t.notOk(ipv4.isListener(ip(text), 5349), text);
  const both = host({ listeners: () => [new TransportAddress(ip('::'), 5349)] });
  for (const text of ['10.0.0.5', 'fd00::5']) t.ok(both.isListener(ip(text), 5349), text);
  t.notOk(both.isListener(ip('fd00::6'), 5349));
});

test('a scratch address of the packet path is looked up as it is', async (t) => {
  const scratch = new TransportWords();
  scratch.setTo(ip('10.0.0.5'), 3478);
  t.ok(host().isOwn(scratch));
  t.ok(host().isListener(scratch, scratch.port));
});

test('a refresh takes new addresses in and lets old ones go', async (t) => {
  let local = [ip('10.0.0.5')];
  let listeners = [new TransportAddress(ip('10.0.0.5'), 3478)];
  const own = host({ local: () => local, listeners: () => listeners, relay: () => [] });
  local = [ip('10.0.0.9')];
  listeners = [new TransportAddress(ip('10.0.0.9'), 443)];
  t.ok(own.isOwn(ip('10.0.0.5')), 'nothing changes by itself');
  own.refresh();
  t.notOk(own.isOwn(ip('10.0.0.5')));
  t.ok(own.isOwn(ip('10.0.0.9')));
  t.ok(own.isListener(ip('10.0.0.9'), 443));
  t.notOk(own.isListener(ip('10.0.0.5'), 3478));
});

test('while the interfaces cannot be read, the addresses read last count, and everything else is refreshed', async (t) => {
  let isReadable = true;
  let shown = ip('8.8.8.8');
  const own = host({
    local: () => {
      if (!isReadable) throw new Error('uv_interface_addresses returned EMFILE');
      return [ip('10.0.0.9')];
    },
    shownFor: () => shown,
  });
  isReadable = false;
  shown = ip('9.9.9.9');
  own.refresh();
  t.ok(own.isOwn(ip('10.0.0.9')));
  t.ok(own.isShown(ip('9.9.9.9')));
});

test('S36 a backend is found by its address; on this very host its port is closed at every own address', async (t) => {
  const at = (text: string, port: number) => new TransportAddress(ip(text), port);
  const own = host({ backends: () => [at('198.51.99.7', 5432), at('127.0.0.1', 3306), at('10.0.0.5', 6379)] });
  t.ok(own.isBackend(ip('198.51.99.7')));
  t.notOk(own.isBackend(ip('198.51.99.8')));
  t.notOk(own.isOwn(ip('198.51.99.7')), 'that is another host');
  t.notOk(own.isListener(ip('198.51.99.7'), 5432));
  for (const text of ['127.0.0.1', '10.0.0.5', 'fd00::5', '8.8.8.8']) {
    for (const port of [3306, 6379]) t.ok(own.isListener(ip(text), port), `${text}:${port}`);
    t.notOk(own.isListener(ip(text), 5432), text);
  }
});
