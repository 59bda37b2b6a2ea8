import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Test, test } from 'tap';
import {
  DescriptorChannel,
  type DescriptorPair,
  MAX_DESCRIPTORS,
  openPair,
} from '../../../src/planes/linux/descriptor-channel.ts';
import { boundAddress, openUdpListening } from '../../../src/planes/linux/listening-sockets.ts';
import { parseIp } from '../../../src/stun/ip-address.ts';
import { TransportAddress } from '../../../src/stun/transport-address.ts';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { findLibc } from '../../support/libc-under-test.ts';
import type { ChildReport } from './descriptor-child.ts';
import { countDescriptors, flagsOf, sendRaw } from './raw-calls.ts';

const found = await findLibc();
const { skip } = found;

function openTestPair(t: Test): DescriptorPair {
  const pair = openPair(found.libc);
  t.teardown(() => pair.near.close());
  t.teardown(() => pair.far.close());
  return pair;
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) closeSync(fd);
}

test('a message arrives with its descriptors, in both directions and in order', { skip }, async (t) => {
  const { near, far } = openTestPair(t);
  const memory = found.libc.memfdCreate('test', 0);
  t.teardown(() => closeSync(memory));
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    t.ok(from.send(Buffer.from('first'), [memory]));
    t.ok(from.send(Buffer.from('second'), []));
    const first = to.receive();
    t.same([first?.message.toString(), first?.fds.length, first?.truncated], ['first', 1, false]);
    t.equal(fstatSync(first?.fds[0] as number).ino, fstatSync(memory).ino, 'the same file');
    t.same(to.receive(), { message: Buffer.from('second'), fds: [], truncated: false });
    t.equal(to.receive(), null);
    closeAll(first?.fds ?? []);
  }
});

test('what arrives is a duplicate that is closed at exec, and the original stays', { skip }, async (t) => {
  const { near, far } = openTestPair(t);
  const memory = found.libc.memfdCreate('test', 0);
  near.send(Buffer.from('x'), [memory]);
  const [copy] = far.receive()?.fds ?? [];
  t.not(copy, memory);
  t.notOk(flagsOf(memory).closedAtExec);
  t.ok(flagsOf(copy as number).closedAtExec);
  writeSync(memory, 'abc');
  closeSync(memory);
  t.equal(fstatSync(copy as number).size, 3);
  closeSync(copy as number);
});

test('both ends are closed at exec and do not block', { skip }, async (t) => {
  const { near, far } = openTestPair(t);
  for (const { fd } of [near, far]) t.same(flagsOf(fd), { closedAtExec: true, nonBlocking: true });
});

test('as many descriptors as allowed come with the longest message, whatever their number', { skip }, async (t) => {
  const before = countDescriptors();
  const { near, far } = openTestPair(t);
  const message = Buffer.alloc(1024, 'long');
  for (const count of [1, 2, 3, MAX_DESCRIPTORS - 1, MAX_DESCRIPTORS]) {
    t.ok(near.send(message, Array<number>(count).fill(near.fd)));
    const received = far.receive();
    t.ok(received?.message.equals(message));
    t.equal(new Set(received?.fds).size, count);
    closeAll(received?.fds ?? []);
  }
  t.equal(countDescriptors(), before + 2);
});

test('what breaks the limits is refused before anything is sent', { skip }, async (t) => {
  const { near, far } = openTestPair(t);
  t.throws(() => near.send(Buffer.alloc(0), []), RangeError);
  t.throws(() => near.send(Buffer.alloc(1025), []), RangeError);
  t.throws(() => near.send(Buffer.from('x'), Array<number>(MAX_DESCRIPTORS + 1).fill(0)), RangeError);
  t.throws(() => near.send(Buffer.from('x'), [12_345]), { code: 'EBADF', syscall: 'sendmsg' });
  t.equal(far.receive(), null);
});

test('more than the limits from the other side is closed and reported', { skip }, async (t) => {
  const { near, far } = openTestPair(t);
  const before = countDescriptors();
  for (const [message, count] of [
    [Buffer.from('too many'), MAX_DESCRIPTORS + 20],
    [Buffer.alloc(1025, 'long'), 5],
  ] as const) {
    t.ok(sendRaw(found.libc, near.fd, message, Array<number>(count).fill(0)) > 0);
    const received = far.receive();
    t.same([received?.fds, received?.truncated], [[], true]);
    t.ok(received?.message.equals(message.subarray(0, 1024)));
    t.equal(countDescriptors(), before);
  }
  near.send(Buffer.from('next'), []);
  t.equal(far.receive()?.message.toString(), 'next', 'the channel goes on');
});

test('a full queue refuses, and takes more when it was read', { skip }, async (t) => {
  const { near, far } = openTestPair(t);
  const before = countDescriptors();
  let sent = 0;
  while (near.send(Buffer.alloc(1024), [0])) sent++;
  t.ok(sent > 0);
  t.equal(countDescriptors(), before);
  for (let received = 0; received < sent; received++) closeAll(far.receive()?.fds ?? []);
  t.ok(near.send(Buffer.from('x'), []));
  t.equal(far.receive()?.message.length, 1);
  t.equal(countDescriptors(), before);
});

test('when the other side has gone, nothing is sent and nothing comes', { skip }, async (t) => {
  const before = countDescriptors();
  const { near, far } = openPair(found.libc);
  near.send(Buffer.from('unread'), [0, 1, 2]);
  far.close();
  t.notOk(near.send(Buffer.from('x'), [0]));
  t.equal(near.receive(), null);
  near.close();
  near.close();
  t.notOk(near.send(Buffer.from('x'), [0]), 'a closed end sends nothing');
  t.equal(near.receive(), null);
  t.equal(countDescriptors(), before);
});

test('a message that was sent before the other side went is still received', { skip }, async (t) => {
  const { near, far } = openTestPair(t);
  near.send(Buffer.from('last'), [0]);
  near.close();
  const received = far.receive();
  t.same([received?.message.toString(), received?.fds.length], ['last', 1]);
  closeAll(received?.fds ?? []);
  t.equal(far.receive(), null);
});

test('a descriptor that is no socket is an error', { skip }, async (t) => {
  const fd = openSync('/dev/null', 'r');
  const channel = new DescriptorChannel(found.libc, fd);
  t.throws(() => channel.send(Buffer.from('x'), []), { code: 'ENOTSOCK' });
  t.throws(() => channel.receive(), { code: 'ENOTSOCK' });
  channel.close();
  t.throws(() => readFileSync(fd), { code: 'EBADF' }, 'close() closes it');
});

function programOf(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
}

test('datagrams that wait in listening sockets survive being handed to a child process', { skip }, async (t) => {
  const { near, far } = openTestPair(t);
  const child = spawn(process.execPath, [programOf('descriptor-child')], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', far.fd],
  });
  t.teardown(() => void child.kill());
  far.close();
  await once(child, 'message');
  const at = new TransportAddress(parseIp('127.0.0.1') as NonNullable<ReturnType<typeof parseIp>>, 0);
  const sockets = [0, 1, 2].flatMap(() => openUdpListening(found.libc, at, 1, 65_536));
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  for (const [index, fd] of sockets.entries()) {
    await peer.send(Buffer.from(`waiting ${index}`), boundAddress(found.libc, fd).port, '127.0.0.1');
  }
  t.ok(near.send(Buffer.from('listeners'), sockets));
  closeAll(sockets);
  child.send('read');
  const [report] = (await once(child, 'message')) as [ChildReport];
  t.same(report, {
    message: 'listeners',
    datagrams: ['waiting 0', 'waiting 1', 'waiting 2'],
    closedAtExec: true,
    additional: 3,
  });
  t.equal(near.receive()?.message.toString(), 'done', 'and the child answers by the same channel');
});

test('S49: without free descriptors nothing is half received or half opened, and nothing leaks', {
  skip,
}, async (t) => {
  const command = `ulimit -n 64 && exec "${process.execPath}" "${programOf('descriptor-shortage')}"`;
  const { stdout } = await promisify(execFile)('sh', ['-c', command]);
  t.same(JSON.parse(stdout), {
    ten: { message: 'ten', fds: 0, cut: true },
    two: { message: 'two', fds: 2, cut: false },
    udp: 'EMFILE',
    tcp: 'EMFILE',
    left: [3, 3, 3],
  });
});
