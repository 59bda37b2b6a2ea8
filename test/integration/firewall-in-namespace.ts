// Run by firewall.test.ts in a network namespace of its own: a host that drops everything but SSH, the rules of
// `turnctl firewall` loaded by the real programs, and what comes in then. Loopback is the network: its packets pass the
// same chains. The host's own addresses are 192.0.2.1 and 2001:db8::1.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { type Test, test } from 'tap';
import { runToEnd } from '../support/child-process.ts';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { TURNCTL, temporaryConfig } from '../support/firewall-rules.ts';
import { patiently } from '../support/raw-client.ts';
import { startTurndWith, temporaryDirectory } from '../support/turnd-process.ts';
import { message } from '../support/wire.ts';

/** One program that filters. */
interface Filter {
  readonly name: 'nftables' | 'iptables';
  /** Everything is dropped but answers and SSH. */
  readonly deny: string;
  readonly load: (rules: string) => void;
  /** All that is loaded, without numbers that only count. */
  readonly show: string;
}

const FILTERS: readonly Filter[] = [
  {
    name: 'nftables',
    deny: `nft -f - <<'END'
flush ruleset
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    tcp dport 22 accept
  }
}
END`,
    load: (rules) => void execFileSync('nft', ['-f', '-'], { input: rules }),
    show: 'nft list ruleset',
  },
  {
    name: 'iptables',
    deny: `nft flush ruleset; for program in iptables ip6tables; do
  $program -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
  $program -A INPUT -p tcp --dport 22 -j ACCEPT
  $program -P INPUT DROP
done`,
    load: (rules) => void sh(rules),
    show: 'iptables -S; ip6tables -S',
  },
];

const OWN = ['192.0.2.1', '2001:db8::1'] as const;

/** Transaction ids. */
const DROPPED = 'd0'.repeat(12);
const ANSWERED = 'a5'.repeat(12);

// coturn's client draws its channel numbers from all that RFC 5766 had.
const CONFIG = `listen: [udp://*:3478, tcp+tls://*:3478]
relay: {ports: 50000-50999}
protocol: {rfc5766-channel-numbers: true}
`;

function sh(script: string): string {
  return execFileSync('sh', ['-ec', script], { encoding: 'utf8' });
}

function rulesFor(name: string, config: string): string {
  return execFileSync(process.execPath, [TURNCTL, 'firewall', '--for', name, '--config', config], { encoding: 'utf8' });
}

function removalOf(rules: string): string {
  const lines = rules.split('# To take it back:\n')[1] ?? '';
  return lines.replaceAll(/^# {3}/gm, '');
}

/** The first of some ports whose datagram arrives: all are sent, in this order, and loopback keeps the order. */
async function firstToArrive(t: Test, address: string, ports: readonly number[]): Promise<number> {
  const sender = await DatagramPeer.open(address);
  t.teardown(() => sender.close());
  const receivers = await Promise.all(ports.map((port) => DatagramPeer.open(address, port)));
  t.teardown(() => receivers.map((one) => one.close()));
  const arrived = receivers.map((one) => one.next().then(() => one.port));
  for (const port of ports) await sender.send(Buffer.from('x'), port, address);
  return patiently('a datagram', Promise.race(arrived));
}

async function canConnect(t: Test, port: number): Promise<void> {
  const server = createServer((socket) => socket.end());
  t.teardown(() => server.close());
  await once(server.listen(port, '192.0.2.1'), 'listening');
  await patiently(`a connection to ${port}`, once(connect(port, '192.0.2.1').resume(), 'end'));
}

async function runUclient(...flags: readonly string[]): Promise<string> {
  const args = ['-u', 'alice', '-w', 'secret-of-alice', '-y', '-c', '-n', '10', '-m', '1', ...flags, '192.0.2.1'];
  const { code, output } = await runToEnd('turnutils_uclient', args, 20_000);
  return `${code} ${/Total lost packets \d+/.exec(output)?.[0] ?? output}`;
}

sh('ip link set lo up; ip address add 192.0.2.1/32 dev lo; ip address add 2001:db8::1/128 dev lo nodad');

for (const filter of FILTERS) {
  test(`${filter.name}: turnd's traffic comes in, all else is dropped, SSH stays`, async (t) => {
    const config = temporaryConfig(t, CONFIG);
    const rules = rulesFor(filter.name, config);
    sh(filter.deny);
    t.teardown(() => sh('nft flush ruleset'));
    const before = sh(filter.show);
    const flags = ['--config', config, '--state-dir', temporaryDirectory(t)];
    await startTurndWith(t, [...flags, '--relay-address', '192.0.2.1', '--external-address', 'none']);
    const clients = await Promise.all(OWN.map((address) => DatagramPeer.open(address)));
    t.teardown(() => clients.map((client) => client.close()));
    const ask = (tid: string) =>
      Promise.all(clients.map((client) => client.send(message({ type: 0x0001, tid }), 3478, client.address)));
    await ask(DROPPED);
    filter.load(rules);
    await ask(ANSWERED);
    for (const client of clients) {
      const { bytes } = await patiently('an answer', client.next());
      t.equal(bytes.toString('hex', 8, 20), ANSWERED, `${client.address}: only what came after the rules is answered`);
    }
    for (const address of OWN) {
      t.equal(await firstToArrive(t, address, [3479, 49_999, 51_000, 50_007]), 50_007, `${address}: relay ports only`);
    }
    await canConnect(t, 22);
    const relayed = await Promise.all([runUclient(), runUclient('-t')]);
    t.strictSame(relayed, ['0 Total lost packets 0', '0 Total lost packets 0'], 'relayed over UDP and TCP');
    filter.load(rules);
    sh(removalOf(rules));
    t.equal(sh(filter.show), before, 'it can be loaded twice, and taken back');
  });
}
