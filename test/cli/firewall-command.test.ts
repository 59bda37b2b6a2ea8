// `turnctl firewall`: what a configuration needs, in the words of each firewall.

import { test } from 'tap';
import { runTurnctl } from '../../src/cli/turnctl-program.ts';
import { fakeIo } from '../support/command-io.ts';

const AUTH = 'auth: {secrets: [{value: a-secret-of-the-lab}]}\n';

/** Every kind of destination: all, one family, one address. */
const MIXED = `${AUTH}listen: [udp://*:3478, "tcp://[::]:3478", tls://192.0.2.1:5349, tcp://127.0.0.1:9, "udp://[::1]:9"]
relay: {ports: 50000-50099, address: [192.0.2.1, "2001:db8::1"]}
`;

const SIMPLE = `${AUTH}listen: [udp://*:3478, tcp+tls://*:443]\nrelay: {ports: 50000-50099}\n`;

async function run(argv: readonly string[], yaml: string = SIMPLE, files: Readonly<Record<string, string>> = {}) {
  const io = fakeIo({ files: { '/cwd/turnd.yaml': yaml, ...files }, env: { PATH: '/usr/bin' } });
  const status = await runTurnctl(['firewall', ...argv], '1.2.3', io);
  return { status, out: io.printed.join(''), err: io.refused.join('') };
}

/** The lines that do something. */
async function linesFor(firewall: string, yaml: string, ...more: readonly string[]): Promise<string[]> {
  const { status, out, err } = await run(['--for', firewall, ...more], yaml);
  if (status !== 0) throw new Error(err);
  return out.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** What is printed below "To take it back". */
async function removalFor(firewall: string, yaml: string, ...more: readonly string[]): Promise<string[]> {
  const { out } = await run(['--for', firewall, ...more], yaml);
  return (out.split('# To take it back:\n')[1] ?? '')
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(4));
}

test('nftables: a chain of our own that the dropping chain jumps to', async (t) => {
  t.same(await linesFor('nftables', MIXED), [
    'add chain inet filter turnd',
    'flush chain inet filter turnd',
    'add rule inet filter turnd udp dport 3478 accept',
    'add rule inet filter turnd meta nfproto ipv6 tcp dport 3478 accept',
    'add rule inet filter turnd ip daddr 192.0.2.1 tcp dport 5349 accept',
    'add rule inet filter turnd ip daddr 192.0.2.1 udp dport 50000-50099 accept',
    'add rule inet filter turnd ip6 daddr 2001:db8::1 udp dport 50000-50099 accept',
    'insert rule inet filter input jump turnd',
  ]);
  t.same(await linesFor('nftables', SIMPLE, '--egress', '--chain', 'inet fw in'), [
    'add chain inet fw turnd',
    'flush chain inet fw turnd',
    'add rule inet fw turnd udp dport { 3478, 50000-50099 } accept',
    'add rule inet fw turnd tcp dport 443 accept',
    'insert rule inet fw in jump turnd',
    'add chain inet fw turnd-out',
    'flush chain inet fw turnd-out',
    'add rule inet fw turnd-out udp sport 50000-50099 accept',
    'insert rule inet fw output jump turnd-out',
  ]);
});

test('ufw: one command for each range, and its removal', async (t) => {
  t.same(await linesFor('ufw', MIXED, '--egress'), [
    'ufw allow proto udp to any port 3478 comment turnd',
    'ufw allow proto tcp to ::/0 port 3478 comment turnd',
    'ufw allow proto tcp to 192.0.2.1 port 5349 comment turnd',
    'ufw allow proto udp to 192.0.2.1 port 50000:50099 comment turnd',
    'ufw allow proto udp to 2001:db8::1 port 50000:50099 comment turnd',
    'ufw allow out proto udp from any port 50000:50099 to any comment turnd',
  ]);
  t.same((await removalFor('ufw', MIXED)).slice(0, 2), [
    'ufw delete allow proto udp to any port 3478',
    'ufw delete allow proto tcp to ::/0 port 3478',
  ]);
});

test('firewalld: a service, and rich rules for single addresses', async (t) => {
  t.same(await linesFor('firewalld', MIXED), [
    'firewall-cmd --permanent --new-service=turnd',
    'firewall-cmd --permanent --service=turnd --add-port=3478/udp',
    'firewall-cmd --permanent --add-service=turnd',
    `firewall-cmd --permanent --add-rich-rule='rule family="ipv6" port port="3478" protocol="tcp" accept'`,
    `firewall-cmd --permanent --add-rich-rule='rule family="ipv4" destination address="192.0.2.1" port port="5349" protocol="tcp" accept'`,
    `firewall-cmd --permanent --add-rich-rule='rule family="ipv4" destination address="192.0.2.1" port port="50000-50099" protocol="udp" accept'`,
    `firewall-cmd --permanent --add-rich-rule='rule family="ipv6" destination address="2001:db8::1" port port="50000-50099" protocol="udp" accept'`,
    'firewall-cmd --reload',
  ]);
});

test('iptables: each family gets its own rules', async (t) => {
  t.same(await linesFor('iptables', MIXED), [
    'iptables -N TURND 2>/dev/null || iptables -F TURND',
    'iptables -A TURND -p udp --dport 3478 -j ACCEPT',
    'iptables -A TURND -p tcp -d 192.0.2.1 --dport 5349 -j ACCEPT',
    'iptables -A TURND -p udp -d 192.0.2.1 --dport 50000:50099 -j ACCEPT',
    'iptables -C INPUT -j TURND 2>/dev/null || iptables -I INPUT -j TURND',
    'ip6tables -N TURND 2>/dev/null || ip6tables -F TURND',
    'ip6tables -A TURND -p udp --dport 3478 -j ACCEPT',
    'ip6tables -A TURND -p tcp --dport 3478 -j ACCEPT',
    'ip6tables -A TURND -p udp -d 2001:db8::1 --dport 50000:50099 -j ACCEPT',
    'ip6tables -C INPUT -j TURND 2>/dev/null || ip6tables -I INPUT -j TURND',
  ]);
});

test('gcloud: a rule has ranges of one family', async (t) => {
  const rest = '--allow=udp:3478,udp:50000-50099,tcp:443';
  t.same(await linesFor('gcloud', SIMPLE), [
    `gcloud compute firewall-rules create turnd-ipv4 --network=NETWORK --direction=INGRESS ${rest} --source-ranges=0.0.0.0/0 --target-tags=turnd`,
    `gcloud compute firewall-rules create turnd-ipv6 --network=NETWORK --direction=INGRESS ${rest} --source-ranges=::/0 --target-tags=turnd`,
    'gcloud compute instances add-tags INSTANCE --zone=ZONE --tags=turnd',
  ]);
  const both = await linesFor('gcloud', SIMPLE, '--egress');
  t.ok(
    both.includes(
      'gcloud compute firewall-rules create turnd-out-ipv6 --network=NETWORK --direction=EGRESS --allow=udp --destination-ranges=::/0 --target-tags=turnd',
    ),
  );
  t.equal((await removalFor('gcloud', SIMPLE, '--egress')).length, 4);
});

test('aws: permissions with the ranges of both families, or of the one that is served', async (t) => {
  const [line = ''] = await linesFor('aws', SIMPLE);
  t.match(line, /^aws ec2 authorize-security-group-ingress --group-id GROUP --ip-permissions '\[.*\]'$/);
  const ranges = {
    IpRanges: [{ CidrIp: '0.0.0.0/0', Description: 'turnd' }],
    Ipv6Ranges: [{ CidrIpv6: '::/0', Description: 'turnd' }],
  };
  t.strictSame(JSON.parse(line.split("'")[1] ?? ''), [
    { IpProtocol: 'udp', FromPort: 3478, ToPort: 3478, ...ranges },
    { IpProtocol: 'udp', FromPort: 50000, ToPort: 50099, ...ranges },
    { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, ...ranges },
  ]);
  const v4 = `${AUTH}listen: [udp://0.0.0.0:3478]\nrelay: {ports: 3000-4000, address: 10.0.0.1}\n`;
  const [inbound = '', outbound = ''] = await linesFor('aws', v4, '--egress');
  const { IpRanges } = ranges;
  t.strictSame(JSON.parse(inbound.split("'")[1] ?? ''), [
    { IpProtocol: 'udp', FromPort: 3000, ToPort: 4000, IpRanges },
  ]);
  t.match(outbound, /^aws ec2 authorize-security-group-egress /);
  t.strictSame(JSON.parse(outbound.split("'")[1] ?? ''), [{ IpProtocol: 'udp', FromPort: 0, ToPort: 65535, IpRanges }]);
});

test('azure: rules with priorities of their own', async (t) => {
  const create = 'az network nsg rule create --resource-group GROUP --nsg-name NSG --name';
  t.same(await linesFor('azure', SIMPLE, '--egress'), [
    `${create} turnd-udp --priority 310 --access Allow --direction Inbound --protocol Udp --source-address-prefixes '*' --destination-port-ranges 3478 50000-50099`,
    `${create} turnd-tcp --priority 311 --access Allow --direction Inbound --protocol Tcp --source-address-prefixes '*' --destination-port-ranges 443`,
    `${create} turnd-out --priority 312 --access Allow --direction Outbound --protocol Udp --destination-port-ranges '*'`,
  ]);
});

test('hetzner and digitalocean: SSH stays open in a firewall of our own', async (t) => {
  const any = '--source-ips 0.0.0.0/0 --source-ips ::/0';
  t.same(await linesFor('hetzner', SIMPLE), [
    'hcloud firewall create --name turnd',
    `hcloud firewall add-rule turnd --direction in --protocol udp --port 3478 ${any}`,
    `hcloud firewall add-rule turnd --direction in --protocol udp --port 50000-50099 ${any}`,
    `hcloud firewall add-rule turnd --direction in --protocol tcp --port 443 ${any}`,
    `hcloud firewall add-rule turnd --direction in --protocol tcp --port 22 ${any}`,
    'hcloud firewall apply-to-resource turnd --type server --server SERVER',
  ]);
  const to = 'address:0.0.0.0/0,address:::/0';
  t.same(await linesFor('digitalocean', SIMPLE), [
    `doctl compute firewall create --name turnd --droplet-ids DROPLET --inbound-rules "protocol:udp,ports:3478,${to} protocol:udp,ports:50000-50099,${to} protocol:tcp,ports:443,${to} protocol:tcp,ports:22,${to}" --outbound-rules "protocol:udp,ports:all,${to} protocol:tcp,ports:all,${to}"`,
  ]);
});

test('no rule says more than is needed, and none says it twice', async (t) => {
  const yaml = `${AUTH}listen: [udp://192.0.2.1:3478, udp://0.0.0.0:3478, udp://*:50001]\nrelay: {ports: 50000-50099}\n`;
  t.same(await linesFor('nftables', yaml), [
    'add chain inet filter turnd',
    'flush chain inet filter turnd',
    'add rule inet filter turnd meta nfproto ipv4 udp dport 3478 accept',
    'add rule inet filter turnd udp dport 50000-50099 accept',
    'insert rule inet filter input jump turnd',
  ]);
});

test('a server on loopback needs nothing', async (t) => {
  const yaml = `${AUTH}listen: [udp://127.0.0.1:3478, "tcp://[::1]:3478"]\nrelay: {address: 127.0.0.1}\n`;
  t.same(await run(['--for', 'ufw'], yaml), {
    status: 0,
    out: '',
    err: 'nothing is served outside of this host: no rule is needed\n',
  });
  t.match(JSON.parse((await run(['--json'], yaml)).out), { openings: [], firewall: null, rules: null });
});

test('a port that changes at each start is named', async (t) => {
  const yaml = `${AUTH}listen: [udp://*:0]\nrelay: {ports: 50000-50099}\n`;
  const { status, out, err } = await run(['--for', 'iptables'], yaml);
  t.equal(status, 0);
  t.equal(err, 'warning: udp://*:0 has another port at each start, which no rule can follow: give it a port\n');
  t.notMatch(out, /dport 0/);
});

test('without --for: the firewall of this host, else a table', async (t) => {
  const program = (name: string) => ({ [`/usr/sbin/${name}`]: '' });
  const firstLine = async (...names: readonly string[]) =>
    (await run([], SIMPLE, Object.assign({}, ...names.map(program)))).out.split('\n')[0];
  t.match(await firstLine('nft', 'ufw'), /ufw of Ubuntu/);
  t.match(await firstLine('iptables', 'nft'), /nftables/);
  t.match(await firstLine('iptables', 'firewall-cmd'), /firewalld/);
  const { status, out } = await run([]);
  t.equal(status, 0);
  t.equal(
    out,
    [
      'LET IN  PORTS        TO             FROM',
      'UDP     3478         every address  clients',
      'TCP     443          every address  clients',
      'UDP     50000-50099  every address  peers (relays)',
      '',
      'No firewall program was found here. For the rules of one, add --for with one of:',
      '  ufw           ufw of Ubuntu and Debian',
      '  firewalld     firewalld of Fedora and Red Hat',
      '  nftables      nftables, a file for nft -f',
      '  iptables      iptables and ip6tables',
      '  gcloud        Google Cloud',
      '  aws           a security group of AWS',
      '  azure         a network security group of Azure',
      '  hetzner       Hetzner Cloud',
      '  digitalocean  DigitalOcean',
      '',
    ].join('\n'),
  );
});

test('--json is one document', async (t) => {
  const { out } = await run(['--for', 'ufw', '--json']);
  t.match(JSON.parse(out), {
    openings: [
      { protocol: 'udp', ports: '3478', family: 'any', address: null, from: 'clients' },
      { protocol: 'tcp', ports: '443', from: 'clients' },
      { protocol: 'udp', ports: '50000-50099', from: 'peers' },
    ],
    relayPorts: '50000-50099',
    firewall: 'ufw',
    rules: { form: 'shell', lines: [/^ufw allow/, /^ufw/, /^ufw/], removal: [/^ufw delete/, /^ufw/, /^ufw/] },
    notes: [/^Run as root/],
  });
  t.match(JSON.parse((await run(['--json'])).out), { firewall: null, rules: null });
});

test('bad input is status 2', async (t) => {
  t.match(await run(['--for', 'pf']), { status: 2, err: /'pf' is invalid. Allowed choices are ufw, firewalld/ });
  t.match(await run([], 'relay: {ports: x}'), { status: 2, out: '', err: /turnd\.yaml:1:16 relay\.ports: / });
  t.match(await run(['--config', 'gone.yaml']), { status: 2, err: /cannot read \/cwd\/gone\.yaml/ });
  for (const chain of ['input', 'ip filter input', 'inet filter input; flush ruleset', 'inet a\nb c']) {
    t.match(await run(['--chain', chain]), { status: 2, out: '', err: /--chain must name a chain of the family inet/ });
  }
});

/** A listener for clients, and one for proxies. */
const PROXIED = `${AUTH}listen: [udp://*:3478, "tcp://*:5350?proxy-protocol"]
proxy-protocol: {trusted: [127.0.0.0/8, 10.0.0.0/8, 10.1.0.0/16, 192.0.2.7/32, "2001:db8::/32"]}
relay: {ports: 50000-50099}
`;
const NET4 = ['10.0.0.0/8', '192.0.2.7/32'];
const NET6 = '2001:db8::/32';

test('a listener behind a proxy is opened to the trusted networks alone, by every firewall', async (t) => {
  const of5350 = async (firewall: string) =>
    (await linesFor(firewall, PROXIED)).filter((line) => line.includes('5350'));
  t.same(await of5350('nftables'), [
    `add rule inet filter turnd ip saddr { ${NET4.join(', ')} } tcp dport 5350 accept`,
    `add rule inet filter turnd ip6 saddr { ${NET6} } tcp dport 5350 accept`,
  ]);
  t.same(await of5350('ufw'), [
    `ufw allow proto tcp from ${NET4[0]} to 0.0.0.0/0 port 5350 comment turnd`,
    `ufw allow proto tcp from ${NET4[1]} to 0.0.0.0/0 port 5350 comment turnd`,
    `ufw allow proto tcp from ${NET6} to ::/0 port 5350 comment turnd`,
  ]);
  t.ok((await removalFor('ufw', PROXIED)).includes(`ufw delete allow proto tcp from ${NET6} to ::/0 port 5350`));
  const rich = (family: string, source = '') =>
    `rich-rule='rule family="${family}" source address="${source}" port port="5350" protocol="tcp" accept'`;
  const riches = [rich('ipv4', NET4[0]), rich('ipv4', NET4[1]), rich('ipv6', NET6)];
  t.same(
    await of5350('firewalld'),
    riches.map((rule) => `firewall-cmd --permanent --add-${rule}`),
  );
  t.ok((await removalFor('firewalld', PROXIED)).includes(`firewall-cmd --permanent --remove-${riches[0]}`));
  t.same(await of5350('iptables'), [
    `iptables -A TURND -p tcp -s ${NET4.join(',')} --dport 5350 -j ACCEPT`,
    `ip6tables -A TURND -p tcp -s ${NET6} --dport 5350 -j ACCEPT`,
  ]);
  const gcloud = await of5350('gcloud');
  t.match(gcloud, [
    /create turnd-ipv4-2 .*--allow=tcp:5350 --source-ranges=10\.0\.0\.0\/8,192\.0\.2\.7\/32 /,
    /create turnd-ipv6-2 .*--allow=tcp:5350 --source-ranges=2001:db8::\/32 /,
  ]);
  t.ok((await removalFor('gcloud', PROXIED)).includes('gcloud compute firewall-rules delete turnd-ipv6-2'));
  const [aws = ''] = await of5350('aws');
  t.strictSame(
    JSON.parse(aws.split("'")[1] ?? '').filter(({ FromPort }: { FromPort: number }) => FromPort === 5350),
    [
      {
        ...{ IpProtocol: 'tcp', FromPort: 5350, ToPort: 5350 },
        IpRanges: NET4.map((CidrIp) => ({ CidrIp, Description: 'turnd' })),
      },
      { IpProtocol: 'tcp', FromPort: 5350, ToPort: 5350, Ipv6Ranges: [{ CidrIpv6: NET6, Description: 'turnd' }] },
    ],
  );
  t.match(await of5350('azure'), [
    /--name turnd-tcp-ipv4 .*--source-address-prefixes 10\.0\.0\.0\/8 192\.0\.2\.7\/32 --/,
    /--name turnd-tcp-ipv6 .*--source-address-prefixes 2001:db8::\/32 --/,
  ]);
  t.match(await of5350('hetzner'), [
    /--port 5350 --source-ips 10\.0\.0\.0\/8 --source-ips 192\.0\.2\.7\/32$/,
    /--port 5350 --source-ips 2001:db8::\/32$/,
  ]);
  t.match(await of5350('digitalocean'), [/ports:5350,address:10\.0\.0\.0\/8,address:192\.0\.2\.7\/32 protocol/]);
});

test('an opening for anyone covers one for proxies, and never the other way round', async (t) => {
  const yaml = (proxied: string, open: string, trusted: string) =>
    `${AUTH}listen: ["tcp://${proxied}:443?proxy-protocol", tcp://${open}:443]
proxy-protocol: {trusted: [${trusted}]}\nrelay: {address: 127.0.0.1}\n`;
  const rules = async (text: string) =>
    (await linesFor('nftables', text)).slice(2, -1).map((line) => line.slice('add rule inet filter turnd '.length));
  t.same(await rules(yaml('192.0.2.1', '0.0.0.0', '10.0.0.0/8')), ['meta nfproto ipv4 tcp dport 443 accept']);
  t.same(await rules(yaml('0.0.0.0', '192.0.2.1', '10.0.0.0/8')), [
    'ip saddr { 10.0.0.0/8 } tcp dport 443 accept',
    'ip daddr 192.0.2.1 tcp dport 443 accept',
  ]);
  const local = `${AUTH}listen: ["tcp://*:443?proxy-protocol"]\nrelay: {address: 127.0.0.1}\n`;
  t.match(await run(['--for', 'ufw'], local), { out: '', err: /no rule is needed/ });
  t.same(await rules(yaml('0.0.0.0', '127.0.0.1', '0.0.0.0/0')), ['meta nfproto ipv4 tcp dport 443 accept']);
});

test('what is for administrators is opened to the networks of --admin-from, and else only named', async (t) => {
  const yaml = `${AUTH}listen: [udp://127.0.0.1:3478]
relay: {address: 127.0.0.1}
control: {listen: [https://*:8443, http://127.0.0.1:8080]}
metrics: {listen: ["http://192.0.2.1:9641", "http://*:0"]}
tls: {certificates: [{certificate: cert.pem, key: key.pem}]}
`;
  const closed = await run(['--for', 'ufw'], yaml);
  t.match(closed, { status: 0, out: '', err: /control\.listen: https:\/\/\*:8443 is for administrators and is not/ });
  t.match(closed.err, /metrics\.listen: http:\/\/192\.0\.2\.1:9641 is for .*only the networks that need it/);
  t.match(closed.err, /metrics\.listen: http:\/\/\*:0 has another port at each start/);
  t.notMatch(closed.err, /8080/);
  const opened = await run(
    ['--for', 'ufw', '--admin-from', '10.0.0.0/8, 2001:db8::/32', '--admin-from', '198.51.100.7'],
    yaml,
  );
  t.same(
    opened.out.split('\n').filter((line) => line.startsWith('ufw')),
    [
      'ufw allow proto tcp from 10.0.0.0/8 to 0.0.0.0/0 port 8443 comment turnd',
      'ufw allow proto tcp from 198.51.100.7/32 to 0.0.0.0/0 port 8443 comment turnd',
      'ufw allow proto tcp from 2001:db8::/32 to ::/0 port 8443 comment turnd',
      'ufw allow proto tcp from 10.0.0.0/8 to 192.0.2.1 port 9641 comment turnd',
      'ufw allow proto tcp from 198.51.100.7/32 to 192.0.2.1 port 9641 comment turnd',
    ],
  );
  t.notMatch(opened.err, /is for administrators/);
  t.match((await run(['--admin-from', '2001:db8::/32'], yaml)).err, /:9641 is not opened: no network of --admin-from/);
  for (const text of ['office', '10.0.0.1/8', '10.0.0.0/8,']) {
    t.match(await run(['--admin-from', text], yaml), { status: 2, out: '', err: /^error: --admin-from: "/ });
  }
});
