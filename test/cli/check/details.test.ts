// Parts of `turnctl check` that no server at hand shows: loss, unroutable relays, hostile words of a server.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { test } from 'tap';
import { specialKind, unroutableKind } from '../../../src/cli/check/address-kind.ts';
import { explain } from '../../../src/cli/check/causes.ts';
import { EchoRun } from '../../../src/cli/check/echo.ts';
import { ClientError, type ClientFault } from '../../../src/client/client-error.ts';
import { parseTurnUri } from '../../../src/client/uri.ts';
import { runCheck } from '../../support/check-run.ts';
import { address } from '../../support/fake-path.ts';
import { VirtualTimers } from '../../support/virtual-timers.ts';
import { decode, message } from '../../support/wire.ts';
import { nonce, realm } from '../../support/wire-attributes.ts';

const ip = (text: string) => address(text, 0).ip;

test('a private relay behind a public server is a fault, behind a private one it is not', async (t) => {
  t.equal(unroutableKind(ip('10.0.0.5'), ip('8.8.8.8')), 'private');
  t.equal(unroutableKind(ip('fd00::1'), ip('2606:4700::1')), 'unique-local');
  t.equal(unroutableKind(ip('100.64.1.1'), ip('8.8.8.8')), 'carrier-grade-nat');
  t.equal(unroutableKind(ip('10.0.0.5'), ip('192.168.1.1')), null);
  t.equal(unroutableKind(ip('8.8.4.4'), ip('8.8.8.8')), null);
  t.equal(specialKind(ip('192.88.99.1')), null);
});

test('an echo counts what is lost, ignores what is foreign, and no packet twice', async (t) => {
  const timers = new VirtualTimers();
  const sent: Buffer[] = [];
  const run = new EchoRun({ count: 4, size: 20, timeoutMs: 1000, timers }, (packet) => void sent.push(packet));
  const result = run.run();
  await timers.pass(65);
  t.equal(sent.length, 4);
  t.ok(sent.every(({ length }) => length === 20));
  for (const packet of [sent[0], sent[3]]) run.onPacket(packet ?? Buffer.alloc(0));
  const foreign = Buffer.from(sent[1] ?? Buffer.alloc(0));
  foreign.writeUInt8(foreign.readUInt8(0) ^ 1, 0);
  run.onPacket(foreign);
  run.onPacket(Buffer.alloc(0));
  await timers.pass(100);
  run.onPacket(sent[0] ?? Buffer.alloc(0));
  await timers.pass(900);
  t.strictSame(await result, { sent: 4, received: 2, lossPercent: 50, minMs: 5, averageMs: 35, maxMs: 65 });
});

test('an echo that is complete does not wait', async (t) => {
  const timers = new VirtualTimers();
  const run: EchoRun = new EchoRun({ count: 3, size: 12, timeoutMs: 1000, timers }, (packet) => run.onPacket(packet));
  const result = run.run();
  await timers.pass(40);
  t.match(await result, { sent: 3, received: 3, lossPercent: 0 });
  t.equal(timers.waiting, 0);
});

test('every fault and every refusal has a cause and a remedy', async (t) => {
  const parsed = parseTurnUri('turn:turn.example.org');
  if (!parsed.ok) throw new Error(parsed.error);
  const context = { uri: parsed.uri, target: null, timeoutMs: 1000, isTimeLimited: false };
  const faults: readonly ClientFault[] = [
    ...(['uri', 'resolution', 'timeout', 'other-source', 'refused', 'unreachable', 'closed', 'tls'] as const),
    ...(['integrity', 'bid-down', 'protocol', 'unsupported', 'wait'] as const),
  ];
  for (const fault of faults) {
    const { cause, remedy } = explain('allocate', new ClientError(fault, 'words'), context);
    t.ok(cause.length > 10 && remedy.length > 10, fault);
  }
  const causes = new Set<string>();
  const codes = [300, 400, 401, 403, 437, 438, 440, 441, 442, 486, 500, 508, 699];
  for (const errorCode of codes)
    causes.add(explain('allocate', new ClientError('rejected', 'words', { errorCode }), context).cause);
  t.equal(causes.size, codes.length, 'each its own');
  t.match(explain('permission', new ClientError('rejected', 'x', { errorCode: 403 }), context).cause, /denies peers/);
});

test('words of a server cannot steer the terminal', async (t) => {
  const evil = '\u001b[2J\u202eevil\nok  fake';
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      const request = decode(bytes);
      const words = Buffer.concat([Buffer.from([0, 0, 4, 1]), Buffer.from(evil)]);
      const tid = Buffer.from(request.tid);
      socket.write(message({ type: request.type | 0x0110, tid, attrs: [[9, words], realm(evil), nonce('x')] }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = `turn:127.0.0.1:${(server.address() as AddressInfo).port}?transport=tcp`;
  const env = { TURNCTL_PASSWORD: 'x' };
  for (const argv of [[url], [url, '--user', 'a'], [url, '--user', 'a', '--quiet']]) {
    const { out } = await runCheck(argv, { env });
    for (const steering of ['\u001b', '\u202e', '\nok  fake']) t.notOk(out.includes(steering));
    t.match(out, argv.length === 4 ? 'failed turn:' : '\\u001b[2J');
  }
});
