// `turnctl check` where nobody answers: silent and closed ports, names without addresses.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'tap';
import type { Names } from '../../../src/client/names.ts';
import { normalised, runCheck } from '../../support/check-run.ts';
import { findFreePort } from '../../support/free-ports.ts';
import { settled, VirtualTimers } from '../../support/virtual-timers.ts';

test('a silent UDP port: the firewall is named, and nothing more is tried', async (t) => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const { status, out } = await runCheck([`turn:127.0.0.1:${silent.address().port}`, '--timeout', '0.2']);
  t.equal(status, 1);
  t.equal(
    normalised(out),
    `turn:127.0.0.1:PORT
  ok       resolve     127.0.0.1:PORT udp (is an address)  # ms
  ok       connect     udp 127.0.0.1:PORT  # ms
  failed   binding     no answer from 127.0.0.1:PORT by UDP in 0.2 s  # ms
                       cause: a firewall drops UDP PORT (the server’s, the cloud’s or the one of this network), or the server is down
                       do:    open UDP PORT on the server and in the cloud’s rules; a slow network needs --timeout
  skipped  allocate, permission, channel, echo, refresh: needs the server
  failed: binding
`,
  );
});

test('closed ports: nothing listens there, by ICMP and by TCP', async (t) => {
  const port = await findFreePort('127.0.0.1');
  const { status, out } = await runCheck([`stun:127.0.0.1:${port}`, `turn:127.0.0.1:${port}?transport=tcp`]);
  t.equal(status, 1);
  t.equal(
    normalised(out),
    `stun:127.0.0.1:PORT
  ok       resolve     127.0.0.1:PORT udp (is an address)  # ms
  ok       connect     udp 127.0.0.1:PORT  # ms
  failed   binding     127.0.0.1:PORT: connection refused  # ms
                       cause: the host is up, and nothing listens on its UDP PORT
                       do:    start the server, or correct its listening addresses or the port of the URL
  skipped  allocate, permission, channel, echo, refresh: a stun: URL has no relay
  failed: binding

turn:127.0.0.1:PORT?transport=tcp
  ok       resolve     127.0.0.1:PORT tcp (is an address)  # ms
  failed   connect     127.0.0.1:PORT: connection refused  # ms
                       cause: the host is up, and nothing listens on its TCP PORT
                       do:    start the server, or correct its listening addresses or the port of the URL
  skipped  binding, allocate, permission, channel, echo, refresh: needs the server
  failed: connect
`,
  );
});

test('a name without addresses, and turns with an address or over UDP', async (t) => {
  const names: Names = { addresses: async () => [], srv: async () => [], naptr: async () => [] };
  const { status, out } = await runCheck(
    ['turn:nix.example', 'turns:127.0.0.1', 'turns:127.0.0.1?transport=udp', '--quiet'],
    { names },
  );
  t.equal(status, 1);
  t.equal(
    out,
    'failed turn:nix.example resolve: nix.example has no address\n' +
      'failed turns:127.0.0.1 resolve: turns:127.0.0.1: a certificate is verified by name, and 127.0.0.1 is an address\n' +
      'failed turns:127.0.0.1?transport=udp resolve: turns:127.0.0.1?transport=udp: a certificate is verified by name, and 127.0.0.1 is an address\n',
  );
  const dtls = await runCheck(['turns:127.0.0.1?transport=udp', '--insecure', '--quiet']);
  t.match(dtls, { status: 1, out: /connect: 127\.0\.0\.1:5349: turns over UDP \(DTLS\) is not supported yet/ });
});

test('a server that answers from another address is told from a silent one', async (t) => {
  const [asked, other] = [createSocket('udp4').bind(0, '127.0.0.1'), createSocket('udp4').bind(0, '127.0.0.1')];
  await Promise.all([once(asked, 'listening'), once(other, 'listening')]);
  t.teardown(() => [asked, other].map((socket) => socket.close()));
  const head = Buffer.from('0101000c2112a442', 'hex');
  const mapped = Buffer.from('002000080001a147e112a643', 'hex');
  asked.on('message', (request, from) =>
    other.send(Buffer.concat([head, request.subarray(8, 20), mapped]), from.port, from.address),
  );
  const [to, by] = [asked.address().port, other.address().port];
  const { status, out } = await runCheck([`turn:127.0.0.1:${to}`, '--timeout', '0.2']);
  t.equal(status, 1);
  t.match(out, `failed   binding     127.0.0.1:${to} was asked, and 127.0.0.1:${by} answers`);
  t.match(out, 'cause: the server has several addresses and answers from another');
  t.match(out, 'skipped  allocate, permission, channel, echo, refresh: needs the server');
});

test('a resolver that hangs does not hang the check', async (t) => {
  const never = new Promise<never>(() => {});
  const names: Names = { addresses: () => never, srv: () => never, naptr: () => never };
  const { status, out } = await runCheck(['turn:slow.example', '--quiet', '--timeout', '0.1'], { names });
  t.strictSame([status, out], [1, 'failed turn:slow.example resolve: slow.example: DNS does not answer in 0.1 s\n']);
});

test('where one address of a name is dead, the next one is taken and the dead one is named', async (t) => {
  const port = await findFreePort('127.0.0.1');
  const server = createSocket('udp4').bind(port, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const head = Buffer.from('0101000c2112a442', 'hex');
  const mapped = Buffer.from('002000080001a147e112a643', 'hex');
  server.on('message', (request, from) =>
    server.send(Buffer.concat([head, request.subarray(8, 20), mapped]), from.port, from.address),
  );
  const names: Names = {
    addresses: async (_, family) => (family === 4 ? ['127.0.0.9', '127.0.0.1'] : []),
    srv: async () => [],
    naptr: async () => [],
  };
  const { status, out } = await runCheck([`stun:two.example:${port}`], { names });
  t.equal(status, 0);
  t.match(normalised(out), /ok +connect +udp 127\.0\.0\.1:PORT .*\n +warning: 127\.0\.0\.9:PORT: connection refused\n/);
  t.match(out, /we are seen as 192\.0\.2\.1:32853, behind NAT/);
});

test('--watch repeats, shows steps when something changes, and sums up at the end', async (t) => {
  const port = await findFreePort('127.0.0.1');
  const timers = new VirtualTimers();
  const interrupted = new AbortController();
  const running = runCheck([`stun:127.0.0.1:${port}`, '--watch', '60'], {
    timers: { now: () => timers.now(), after: (ms, act) => timers.after(ms, act) },
    wallTime: () => Date.UTC(2026, 0, 1) + timers.now(),
    interruption: () => interrupted.signal,
  });
  // The pause is the only timer that stays: it is there when a round is done.
  const roundDone = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet = timers.waiting === 1 ? quiet + 1 : 0) await settled();
  };
  await roundDone();
  await timers.pass(60_000);
  await roundDone();
  interrupted.abort();
  const { status, out } = await running;
  t.equal(status, 1);
  const lines = normalised(out).split('\n');
  t.match(lines[0], '2026-01-01T00:00:00Z failed stun:127.0.0.1:PORT binding: 127.0.0.1:PORT: connection refused');
  t.equal(lines.filter((line) => line.includes('resolve')).length, 1, 'the steps are shown once');
  t.equal(lines.filter((line) => line.startsWith('2026-01-01T00:01:00Z failed')).length, 1);
  t.equal(lines.at(-2), 'stun:127.0.0.1:PORT: 2 checks, 2 failed');
});
