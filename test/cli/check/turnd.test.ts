// `turnctl check` against turnd itself: all transports, both ways of the echo, and what an operator gets wrong.

import { test } from 'tap';
import { relaySteps } from '../../../src/cli/check/relay-steps.ts';
import { StepLog } from '../../../src/cli/check/step-log.ts';
import { udpReaches } from '../../../src/cli/check/udp-reaches.ts';
import { ClientError } from '../../../src/client/client-error.ts';
import { type AllocationEnv, openAllocation } from '../../../src/client/open-allocation.ts';
import { ServerMemory } from '../../../src/client/server-memory.ts';
import { openTcpTransport } from '../../../src/client/stream-transport.ts';
import { systemTimers } from '../../../src/client/timers.ts';
import { normalised, runCheck } from '../../support/check-run.ts';
import { address } from '../../support/fake-path.ts';
import { TEST_USER, type TurnServerOptions } from '../../support/turn-server.ts';
import { startTurnd } from '../../support/turnd.ts';

const ENV = { TURNCTL_PASSWORD: TEST_USER.password };
const USER = ['--user', TEST_USER.username];

async function start(t: { teardown(act: () => unknown): void }, options: TurnServerOptions = {}) {
  const server = await startTurnd(options);
  t.teardown(() => server.close());
  return server;
}

/** What the steps are given to reach a server over TCP. */
function overTcp(port: number) {
  const timers = systemTimers;
  const target = { address: address('127.0.0.1', port), transport: 'tcp', by: 'literal', name: '' } as const;
  const env: AllocationEnv = {
    credential: TEST_USER,
    timers,
    memory: new ServerMemory(),
    connect: () => openTcpTransport(target.address, { timeoutMs: 5000, timers }),
  };
  const explained = { what: '', cause: '', remedy: '' };
  const newLog = (): StepLog =>
    new StepLog(
      timers,
      () => explained,
      () => {},
    );
  return { timers, target, env, newLog };
}

test('all is well over UDP, TCP and TLS', async (t) => {
  const { iceServers } = await start(t);
  const urls = [iceServers.udp.urls, iceServers.tcp.urls, iceServers.tls.urls];
  const { status, out, err } = await runCheck([...urls, ...USER, '--insecure', '--count', '3'], { env: ENV });
  t.match({ status, err }, { status: 0, err: '' });
  const steps = (
    transport: string,
    more: string,
  ) => `  ok       resolve     127.0.0.1:PORT ${transport} (is an address)  # ms
  ok       connect     ${transport} 127.0.0.1:PORT${more}
  ok       binding     we are seen as 127.0.0.1:PORT, no NAT, rtt # ms  # ms
  ok       allocate    relayed address 127.0.0.1:PORT (loopback) for 600 s  # ms
  ok       permission  127.0.0.1, our own address  # ms
  ok       channel     0x4000 to 127.0.0.1:PORT  # ms
  ok       echo        3 of 3 came back from our own address, rtt #/#/# ms (min/avg/max)  # ms
  ok       refresh     the allocation was ended  # ms
  ok
`;
  const warnings = `
                       warning: the certificate was not verified: DEPTH_ZERO_SELF_SIGNED_CERT
                       warning: the certificate expires in less than a day`;
  t.equal(
    normalised(out),
    `turn:127.0.0.1:PORT?transport=udp
${steps('udp', '  # ms')}
turn:127.0.0.1:PORT?transport=tcp
${steps('tcp', '  # ms')}
turns:127.0.0.1:PORT?transport=tcp
${steps('tls', `, TLSv1.3, certificate 0 days left  # ms${warnings}`)}`,
  );
});

test('one JSON document with facts for machines', async (t) => {
  const { iceServers } = await start(t);
  const { status, out } = await runCheck([iceServers.udp.urls, ...USER, '--json', '--count', '2'], { env: ENV });
  t.equal(status, 0);
  const ok = (step: string, facts: object) => ({ step, status: 'ok', ms: '#', facts, warnings: [], problem: null });
  const address = '127.0.0.1:PORT';
  t.match(JSON.parse(normalised(out)), {
    ok: true,
    checks: [
      {
        url: 'turn:127.0.0.1:PORT?transport=udp',
        ok: true,
        server: { address, transport: 'udp', by: 'literal' },
        certificate: null,
        steps: [
          ok('resolve', { addresses: [`${address} udp`], by: 'literal' }),
          ok('connect', { local: address, remote: address }),
          ok('binding', { mapped: address, nat: false, rttMs: '#' }),
          ok('allocate', { relayed: address, relayedKind: 'loopback', lifetime: 600, digest: 'MD5' }),
          ok('permission', { way: 'own address', peer: '127.0.0.1' }),
          ok('channel', { channel: '0x4000', peer: address }),
          ok('echo', { way: 'own address', size: 160, sent: 2, received: 2, lossPercent: 0, minMs: '#', maxMs: '#' }),
          ok('refresh', {}),
        ],
      },
    ],
  });
});

test('where our own address is of another family, the echo takes a second allocation', async (t) => {
  const server = await start(t, { args: ['--listen', 'udp://[::1]:0'] });
  const ready = server.lines.find((line) => line.includes('"ready"')) ?? '{}';
  const { listeners } = JSON.parse(ready) as { listeners: { address: string; port: number }[] };
  const port = listeners.find(({ address }) => address === '::1')?.port;
  const { status, out } = await runCheck([`turn:[::1]:${port}`, ...USER], { env: ENV });
  t.equal(status, 0, out);
  t.match(
    normalised(out),
    'permission  127.0.0.1, the relay of a second allocation (our address is of another family)',
  );
  t.match(normalised(out), 'echo        10 of 10 came back from a second allocation, rtt');
});

test('an external address that leads nowhere: the echo is lost, and inside the server it is not', async (t) => {
  const { iceServers } = await start(t, { args: ['--external-address', '192.0.2.99'] });
  const { status, out } = await runCheck([iceServers.udp.urls, ...USER, '--timeout', '0.3'], { env: ENV });
  t.equal(status, 1);
  t.match(
    normalised(out),
    `  failed   echo        nothing came back through the relay  # ms
                       cause: inside the server packets pass, from here they do not: a firewall closes its relay ports (here UDP PORT)
                       do:    open the whole range of relay ports for UDP (49152-65535 unless set otherwise), in the cloud’s rules too
  ok       refresh     the allocation was ended  # ms
  failed: echo
`,
  );
});

test('a client on a stream in a network without UDP is served through a second allocation, with a warning', async (t) => {
  const { ports } = await start(t, { args: ['--external-address', '192.0.2.99'] });
  const { timers, target, env, newLog } = overTcp(ports.tcp);
  const steps = async (hasUdp: boolean) => {
    const log = newLog();
    await relaySteps(await openAllocation(target, env), address('127.0.0.1', 0).ip, {
      log,
      echo: { count: 3, size: 50, timeoutMs: 200, timers },
      allocateAgain: () => openAllocation(target, env),
      udpGetsOut: async () => hasUdp,
    });
    return log.steps.find(({ step }) => step === 'echo');
  };
  t.match(await steps(false), {
    status: 'ok',
    summary: /^3 of 3 came back from a second allocation/,
    facts: { way: 'second allocation', sent: 3, received: 3 },
    warnings: [/no UDP gets from this network/],
  });
  t.match(await steps(true), { status: 'failed', facts: { way: 'own address', received: 0, insideWorks: true } });
  t.equal(await udpReaches(address('127.0.0.1', ports.udp), env), true);
});

test('on the host of the server, which denies a channel to its own address, a second allocation echoes', async (t) => {
  const { ports } = await start(t);
  const { timers, target, env, newLog } = overTcp(ports.tcp);
  const log = newLog();
  const near = await openAllocation(target, env);
  const bindChannel = near.client.bindChannel.bind(near.client);
  const forbidden = new ClientError('rejected', 'refused', { errorCode: 403 });
  const refused: unknown[] = [];
  near.client.bindChannel = (peer) => (refused.push(peer) === 1 ? Promise.reject(forbidden) : bindChannel(peer));
  await relaySteps(near, address('127.0.0.1', 0).ip, {
    log,
    echo: { count: 3, size: 50, timeoutMs: 500, timers },
    allocateAgain: () => openAllocation(target, env),
    udpGetsOut: async () => true,
  });
  t.match(log.steps, [
    { step: 'permission', status: 'ok', facts: { way: 'own address' } },
    { step: 'channel', status: 'ok', summary: /the relay of a second allocation \(the server denies this port/ },
    { step: 'echo', status: 'ok', facts: { way: 'second allocation', received: 3 } },
    { step: 'refresh', status: 'ok' },
  ]);
});

test('a server that denies our address and its own relays: 403 and its cause', async (t) => {
  const { iceServers } = await start(t, { deniedPeers: ['127.0.0.0/8'] });
  const { status, out } = await runCheck([iceServers.udp.urls, ...USER], { env: ENV });
  t.equal(status, 1);
  t.match(normalised(out), 'failed   permission  CreatePermission for 127.0.0.1: refused with 403 (Forbidden)');
  t.match(out, 'cause: the server denies peers with this address');
  t.match(out, '  skipped  channel, echo: needs a permission\n  ok       refresh');
});

test('a check of several URLs needs no quota of more than one', async (t) => {
  const { iceServers } = await start(t, { userQuota: 1 });
  const first = await runCheck([iceServers.udp.urls, iceServers.tcp.urls, ...USER], { env: ENV });
  t.equal(first.status, 0, first.out);
});

test('without credentials what a stranger can see is checked', async (t) => {
  const { iceServers } = await start(t);
  const { status, out } = await runCheck([iceServers.udp.urls]);
  t.equal(status, 0);
  t.match(
    out,
    'skipped  allocate: the server asks for credentials of realm “example.org”: give --user or --secret-file',
  );
});

test('colours on a terminal only', async (t) => {
  const { ports } = await start(t);
  const coloured = await runCheck([`stun:127.0.0.1:${ports.udp}`], { isTerminal: true });
  t.match(coloured.out, '\u001b[32mok');
  t.notMatch((await runCheck([`stun:127.0.0.1:${ports.udp}`])).out, '\u001b');
});
