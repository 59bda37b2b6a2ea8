import { type Test, test } from 'tap';
import type { StunServer } from '../../src/net/discover-external.ts';
import {
  type ExternalAddressOptions,
  type ExternalAddressSetting,
  openExternalAddresses,
} from '../../src/net/external-address.ts';
import { type IpAddress, parseIp } from '../../src/stun/ip-address.ts';
import * as fake from '../support/metadata-server.ts';
import { loopbackSocket, mappedAnswer, startStunResponder } from '../support/stun-responder.ts';

function ip(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}

/** Opens a setting and gives what it shows for each address. Metadata services are absent unless a test gives some. */
async function open(t: Test, setting: ExternalAddressSetting, options: Partial<ExternalAddressOptions> = {}) {
  const external = await openExternalAddresses(setting, {
    relayAddresses: [],
    report: () => {},
    resolve: () => Promise.reject(new Error('no resolver here')),
    every: () => () => {},
    metadataBaseUrls: fake.everyServiceAt('http://127.0.0.1:1'),
    openSocket: loopbackSocket,
    timeoutMs: 10_000,
    ...options,
  });
  t.teardown(() => external.close());
  return { external, shows: (text: string) => external.current(ip(text)).text };
}

async function cloud(t: Test, listener: Parameters<typeof fake.startFake>[0]) {
  const server = await fake.startFake(listener);
  t.teardown(() => server.close());
  return fake.everyServiceAt(server.url);
}

async function stunServer(t: Test, octets: [number, number, number, number]): Promise<StunServer> {
  const server = await startStunResponder((request) => [mappedAnswer(request, octets)]);
  t.teardown(() => server.close());
  return { host: '127.0.0.1', port: server.port };
}

test('without an external address a relay shows itself', async (t) => {
  const { external, shows } = await open(t, { kind: 'none' });
  t.equal(shows('10.0.0.5'), '10.0.0.5');
  t.strictSame(external.all(), []);
});

test('a configured address is shown for its family only', async (t) => {
  const { external, shows } = await open(t, { kind: 'ip', ip: ip('8.8.8.8') });
  t.equal(shows('10.0.0.5'), '8.8.8.8');
  t.equal(shows('127.0.0.1'), '8.8.8.8');
  t.equal(shows('fd00::5'), 'fd00::5');
  t.strictSame(external.sources, { ipv4: 'configured', ipv6: 'none' });
  t.strictSame(
    external.all().map((one) => one.text),
    ['8.8.8.8'],
  );
});

test('each family may have its own address', async (t) => {
  const setting = {
    kind: 'families',
    ipv4: { kind: 'ip', ip: ip('8.8.8.8') },
    ipv6: { kind: 'ip', ip: ip('2a00::8') },
  } as const;
  const { shows } = await open(t, setting);
  t.equal(shows('10.0.0.5'), '8.8.8.8');
  t.equal(shows('fd00::5'), '2a00::8');
  const ipv6Only = await open(t, { ...setting, ipv4: null });
  t.equal(ipv6Only.shows('10.0.0.5'), '10.0.0.5');
});

test('pairs map each private address to its own public one', async (t) => {
  const pairs = [
    { private: ip('10.0.0.5'), public: ip('8.8.8.8') },
    { private: ip('10.0.0.6'), public: ip('9.9.9.9') },
  ];
  const { external, shows } = await open(t, { kind: 'pairs', pairs });
  t.strictSame(['10.0.0.5', '10.0.0.6', '10.0.0.7'].map(shows), ['8.8.8.8', '9.9.9.9', '10.0.0.7']);
  t.strictSame(external.sources, { ipv4: 'configured', ipv6: 'none' });
});

test('a DNS name is resolved at the start and again, and a change is told', async (t) => {
  let answer = Promise.resolve([ip('8.8.8.8'), ip('2a00::8')]);
  let tick = () => {};
  let stopped = 0;
  const every = (_: number, task: () => void) => {
    tick = task;
    return () => {
      stopped++;
    };
  };
  const { external, shows } = await open(
    t,
    { kind: 'dns', name: 'turn.example.com' },
    { resolve: () => answer, every },
  );
  t.equal(shows('10.0.0.5'), '8.8.8.8');
  t.equal(shows('fd00::5'), '2a00::8');
  const changed = new Promise<void>((resolve) => external.onChange(resolve));
  answer = Promise.resolve([ip('9.9.9.9')]);
  tick();
  await changed;
  t.equal(shows('10.0.0.5'), '9.9.9.9');
  external.close();
  t.equal(stopped, 1);
});

test('R15 another setting takes over: its changes are told, and those of the old are not', async (t) => {
  const ticks: (() => void)[] = [];
  let [stopped, told] = [0, 0];
  const every = (_ms: number, task: () => void) => {
    ticks.push(task);
    return () => stopped++;
  };
  let answer = Promise.resolve([ip('8.8.8.8')]);
  const options = { resolve: () => answer, every };
  const { external, shows } = await open(t, { kind: 'dns', name: 'old.example.com' }, options);
  external.onChange(() => told++);
  const { external: next } = await open(t, { kind: 'dns', name: 'new.example.com' }, options);
  external.become(next);
  t.same([stopped, told], [1, 1]);
  answer = Promise.resolve([ip('9.9.9.9')]);
  const changed = new Promise<void>((resolve) => external.onChange(resolve));
  for (const tick of ticks) tick();
  await changed;
  t.equal(shows('10.0.0.5'), '9.9.9.9');
  t.equal(told, 2);
  external.close();
  t.equal(stopped, 2);
});

test('a name that fails at the start is reported and the relay shows itself until it resolves', async (t) => {
  const reports: string[] = [];
  const { shows } = await open(
    t,
    { kind: 'dns', name: 'turn.example.com' },
    { report: (message) => reports.push(message) },
  );
  t.equal(shows('10.0.0.5'), '10.0.0.5');
  t.match(reports, [/cannot resolve turn\.example\.com/]);
});

test('auto leaves a public relay address alone and asks nobody', async (t) => {
  let asked = 0;
  const metadataBaseUrls = await cloud(t, (request, response) => {
    asked++;
    fake.gcp(request, response);
  });
  const relayAddresses = [ip('9.9.9.9'), ip('2a00::9')];
  const { external, shows } = await open(t, { kind: 'auto', stunServers: [] }, { relayAddresses, metadataBaseUrls });
  t.equal(shows('9.9.9.9'), '9.9.9.9');
  t.equal(asked, 0);
  t.strictSame(external.sources, { ipv4: 'interface', ipv6: 'interface' });
});

test('auto believes the metadata service before a STUN server', async (t) => {
  const metadataBaseUrls = await cloud(t, fake.gcp);
  const stunServers = [await stunServer(t, [1, 2, 3, 4])];
  const relayAddresses = [ip('10.128.0.2')];
  const { external, shows } = await open(t, { kind: 'auto', stunServers }, { relayAddresses, metadataBaseUrls });
  t.equal(shows('10.128.0.2'), '35.192.0.1');
  t.equal(shows('172.17.0.2'), '35.192.0.1', 'a container on the host has an address of its own');
  t.equal(shows('127.0.0.1'), '127.0.0.1', 'loopback is never mapped');
  t.strictSame(external.sources, { ipv4: 'gcp', ipv6: null });
});

test('auto maps each address of a host with several by the metadata', async (t) => {
  const network = (privateIp: string, publicIp: string) => ({
    ip: privateIp,
    accessConfigs: [{ externalIp: publicIp }],
  });
  const path = '/computeMetadata/v1/instance/network-interfaces/?recursive=true';
  const document = { [path]: [network('10.0.0.5', '35.0.0.5'), network('10.9.0.6', '35.0.0.6')] };
  const metadataBaseUrls = await cloud(t, fake.documents(['metadata-flavor', 'Google'], document));
  const relayAddresses = [ip('10.0.0.5'), ip('10.9.0.6')];
  const { shows } = await open(t, { kind: 'auto', stunServers: [] }, { relayAddresses, metadataBaseUrls });
  t.strictSame(
    relayAddresses.map((one) => shows(one.text)),
    ['35.0.0.5', '35.0.0.6'],
  );
});

test('auto asks the STUN servers where there is no metadata service, and believes the first', async (t) => {
  const stunServers = [
    { host: 'stun.example.com', port: 3478 },
    await stunServer(t, [35, 192, 0, 1]),
    await stunServer(t, [35, 192, 0, 2]),
  ];
  const { external, shows } = await open(t, { kind: 'auto', stunServers }, { relayAddresses: [ip('10.0.0.5')] });
  t.equal(shows('10.0.0.5'), '35.192.0.1');
  t.strictSame(external.sources, { ipv4: 'stun', ipv6: null });
});

test('auto finds the STUN server’s name by the resolver', async (t) => {
  const { port } = await stunServer(t, [35, 192, 0, 1]);
  const resolve = (name: string) => Promise.resolve(name === 'stun.example.com' ? [ip('::1'), ip('127.0.0.1')] : []);
  const stunServers = [{ host: 'stun.example.com', port }];
  const { shows } = await open(t, { kind: 'auto', stunServers }, { relayAddresses: [ip('10.0.0.5')], resolve });
  t.equal(shows('10.0.0.5'), '35.192.0.1');
});

test('auto believes nobody who names an address that is not public', async (t) => {
  const metadataBaseUrls = await cloud(t, fake.documents(null, { '/hetzner/v1/metadata/public-ipv4': '192.168.1.1' }));
  const stunServers = [await stunServer(t, [127, 0, 0, 1])];
  const { external, shows } = await open(
    t,
    { kind: 'auto', stunServers },
    { relayAddresses: [ip('10.0.0.5')], metadataBaseUrls },
  );
  t.equal(shows('10.0.0.5'), '10.0.0.5');
  t.strictSame(external.sources, { ipv4: 'none', ipv6: null });
});

test('auto judges each family by itself', async (t) => {
  const metadataBaseUrls = await cloud(t, fake.digitalOcean);
  const relayAddresses = [ip('10.17.0.5'), ip('2604:a880::1')];
  const { external, shows } = await open(t, { kind: 'auto', stunServers: [] }, { relayAddresses, metadataBaseUrls });
  t.equal(shows('10.17.0.5'), '104.131.20.105');
  t.equal(shows('2604:a880::1'), '2604:a880::1');
  t.strictSame(external.sources, { ipv4: 'digitalocean', ipv6: 'interface' });
});

test('auto that finds nothing in time shows the relay itself and says none', async (t) => {
  const metadataBaseUrls = await cloud(t, () => {});
  const silent = await startStunResponder(() => []);
  t.teardown(() => silent.close());
  const stunServers = [
    { host: '127.0.0.1', port: silent.port },
    { host: 'hanging.example.com', port: 3478 },
  ];
  const options = {
    relayAddresses: [ip('10.0.0.5')],
    metadataBaseUrls,
    timeoutMs: 100,
    resolve: () => new Promise<IpAddress[]>(() => {}),
  };
  const { external, shows } = await open(t, { kind: 'auto', stunServers }, options);
  t.equal(shows('10.0.0.5'), '10.0.0.5');
  t.strictSame(external.sources, { ipv4: 'none', ipv6: null });
});
