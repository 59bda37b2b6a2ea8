import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'tap';
import { HostExpander } from '../../src/net/interfaces.ts';
import { SCANS_UNTIL_GONE, UdpListeners } from '../../src/server/udp-listeners.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';

/** A host whose addresses and open sockets a test owns. */
class FakeHost {
  addresses: string[] = ['192.0.2.1'];
  /** Whether the system has a descriptor left: without one it cannot tell its addresses. */
  isReadable = true;
  readonly open = new Set<string>();
  /** Those that serve nobody new. */
  readonly retired = new Set<string>();
  readonly faults = new Map<string, string>();
  readonly reports: string[] = [];
  #nextPort = 40_000;

  listeners(...wanted: readonly (readonly [host: string, port: number])[]): UdpListeners {
    return new UdpListeners({
      addresses: wanted.map(([host, port]) => ({ host, port })),
      expander: new HostExpander(
        () => undefined,
        () => this.#interfaces(),
      ),
      open: (local) => this.#bind(local),
      probe: (local) => this.#bind(local),
      report: (message) => this.reports.push(message),
    });
  }

  /** One address goes, another comes. */
  replace(gone: string, come: string): void {
    this.addresses = [...this.addresses.filter((address) => address !== gone), come];
    this.faults.set(gone, 'EADDRNOTAVAIL');
  }

  #interfaces() {
    if (!this.isReadable) throw new Error('uv_interface_addresses returned EMFILE');
    return { eth0: this.addresses.map(infoOf) };
  }

  async #bind({ ip, port }: TransportAddress) {
    const code = this.faults.get(ip.text);
    if (code !== undefined) throw Object.assign(new Error(code), { code });
    const local = new TransportAddress(ip, port === 0 ? this.#nextPort++ : port);
    this.open.add(local.text);
    return {
      local,
      retire: () => void this.retired.add(local.text),
      revive: () => this.retired.delete(local.text),
      close: () => void this.open.delete(local.text),
    };
  }
}

/** Scans as often as it takes after the first scan that misses an address; whether the last of them changed anything. */
async function scanUntilGone(listeners: UdpListeners): Promise<boolean> {
  for (let scans = 2; scans < SCANS_UNTIL_GONE; scans++) {
    if (await listeners.scan()) throw new Error(`closed at scan ${scans}`);
  }
  return listeners.scan();
}

function infoOf(address: string): NetworkInterfaceInfo {
  return { address, family: 'IPv4', netmask: '', mac: '', internal: false, cidr: null };
}

test('a wildcard is one socket for each address, on one port even if the system chooses it', async (t) => {
  const host = new FakeHost();
  host.addresses = ['192.0.2.1', '192.0.2.2'];
  await host.listeners(['*', 0], ['0.0.0.0', 3478]).open();
  t.same([...host.open], ['192.0.2.1:40000', '192.0.2.2:40000', '192.0.2.1:3478', '192.0.2.2:3478']);
});

test('a scan opens what has come, closes what has gone, and says whether anything has changed', async (t) => {
  const host = new FakeHost();
  const listeners = host.listeners(['*', 3478], ['192.0.2.9', 3479]);
  await listeners.open();
  t.equal(await listeners.scan(), false);
  host.replace('192.0.2.1', '192.0.2.2');
  t.equal(await listeners.scan(), true);
  t.equal(await scanUntilGone(listeners), true);
  t.same([...host.open].sort(), ['192.0.2.2:3478', '192.0.2.9:3479'], 'a literal address stays');
  t.same(listeners.locals.map(({ text }) => text).sort(), ['192.0.2.2:3478', '192.0.2.9:3479']);
});

test('an address that is not listed but still there, as without carrier, keeps its socket', async (t) => {
  const host = new FakeHost();
  const listeners = host.listeners(['*', 3478]);
  await listeners.open();
  host.addresses = [];
  t.equal(await listeners.scan(), false);
  t.equal(await scanUntilGone(listeners), false);
  t.same([...host.open], ['192.0.2.1:3478'], 'nor is anything else left open');
  host.addresses = ['192.0.2.1'];
  t.equal(await listeners.scan(), false);
  t.same([...host.open], ['192.0.2.1:3478']);
});

test('R26 an address that comes back within an hour finds its socket as it was', async (t) => {
  const host = new FakeHost();
  const listeners = host.listeners(['*', 3478]);
  await listeners.open();
  for (let round = 0; round < 2; round++) {
    host.replace('192.0.2.1', '192.0.2.2');
    for (let scans = 1; scans < SCANS_UNTIL_GONE; scans++) await listeners.scan();
    t.ok(host.open.has('192.0.2.1:3478'), 'it is still open');
    host.addresses.push('192.0.2.1');
    host.faults.clear();
    t.equal(await listeners.scan(), false, 'nor is it opened a second time');
  }
});

test('when one cannot be opened, none stays open, and the sentence says which', async (t) => {
  const host = new FakeHost();
  host.faults.set('192.0.2.9', 'EADDRINUSE');
  const opened = host.listeners(['*', 3478], ['192.0.2.9', 3479]).open();
  const message =
    'cannot listen on UDP 192.0.2.9 port 3479: another program uses it: stop that one, or choose another port';
  await t.rejects(opened, { code: 'TURN_LISTEN', message });
  t.equal(host.open.size, 0);
});

test('an address of a wildcard that cannot be bound yet is tried again at the next scan', async (t) => {
  const host = new FakeHost();
  host.addresses = ['192.0.2.1', '192.0.2.2'];
  host.faults.set('192.0.2.2', 'EADDRNOTAVAIL');
  const listeners = host.listeners(['*', 3478]);
  await listeners.open();
  t.same([...host.open], ['192.0.2.1:3478']);
  t.match(host.reports, [/192\.0\.2\.2 cannot be bound now/]);
  host.faults.clear();
  await listeners.scan();
  t.same([...host.open], ['192.0.2.1:3478', '192.0.2.2:3478']);
});

test('a scan that fails reports it and keeps what is open', async (t) => {
  const host = new FakeHost();
  const listeners = host.listeners(['*', 3478]);
  await listeners.open();
  host.addresses = ['192.0.2.1', '192.0.2.2'];
  host.faults.set('192.0.2.2', 'EADDRINUSE');
  t.equal(await listeners.scan(), false);
  t.match(host.reports, [/^cannot listen on UDP 192\.0\.2\.2 port 3478: another program/]);
  t.same([...host.open], ['192.0.2.1:3478']);
});

test('a scan that cannot read the interfaces reports it, keeps what is open, and the next one goes on', async (t) => {
  const host = new FakeHost();
  const listeners = host.listeners(['*', 3478]);
  await listeners.open();
  host.isReadable = false;
  t.equal(await listeners.scan(), false);
  t.match(host.reports, [/^the addresses of this host cannot be read now: .*EMFILE/]);
  t.same([...host.open], ['192.0.2.1:3478']);
  host.isReadable = true;
  host.replace('192.0.2.1', '192.0.2.2');
  t.equal(await listeners.scan(), true);
  t.equal(await scanUntilGone(listeners), true);
  t.same([...host.open], ['192.0.2.2:3478']);
});

test('after close nothing is opened any more', async (t) => {
  const host = new FakeHost();
  const listeners = host.listeners(['*', 3478]);
  await listeners.open();
  const scanning = listeners.scan();
  listeners.close();
  await scanning;
  t.equal(await listeners.scan(), false);
  t.equal(host.open.size, 0);
});

test('R15 other addresses: what is missing is opened, what is not wanted is retired, and the others stay', async (t) => {
  const host = new FakeHost();
  host.addresses = ['192.0.2.1', '192.0.2.2'];
  const listeners = host.listeners(['*', 3478], ['192.0.2.1', 0]);
  await listeners.open();
  const pending = await listeners.prepare([
    { host: '192.0.2.1', port: 3478 },
    { host: '192.0.2.1', port: 0 },
    { host: '192.0.2.1', port: 3479 },
  ]);
  t.same([...host.retired], [], 'nothing is closed before all is open');
  pending.commit();
  t.same([...host.retired], ['192.0.2.2:3478']);
  const wanted = ['192.0.2.1:3478', '192.0.2.1:40000', '192.0.2.1:3479'];
  t.same(listeners.locals.map(({ text }) => text).sort(), wanted.sort());
  t.equal(await listeners.scan(), false);
  (await listeners.prepare([{ host: '*', port: 3478 }])).commit();
  t.same([...host.retired].sort(), ['192.0.2.1:3479', '192.0.2.1:40000'], 'and one that is wanted again serves again');
  t.equal(host.open.size, 4);
});

test('R15 where one cannot be opened, all stay as they were', async (t) => {
  const host = new FakeHost();
  const listeners = host.listeners(['192.0.2.1', 3478]);
  await listeners.open();
  host.faults.set('192.0.2.7', 'EACCES');
  const wanted = [
    { host: '192.0.2.1', port: 3479 },
    { host: '192.0.2.7', port: 3478 },
  ];
  await t.rejects(listeners.prepare(wanted), { code: 'TURN_LISTEN', message: /192\.0\.2\.7/ });
  t.same(
    listeners.locals.map(({ text }) => text),
    ['192.0.2.1:3478'],
  );
  t.same([...host.retired], ['192.0.2.1:3479']);
  t.equal(await listeners.scan(), false);
});
