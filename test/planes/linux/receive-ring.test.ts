import { test } from 'tap';
import { RING_SLOTS } from '../../../src/planes/linux/receive-ring.ts';
import { findLibc } from '../../support/linux-libc.ts';
import { unlikeOthers } from '../../support/linux-outlet.ts';
import { boundSocket, looseCore } from '../../support/linux-plane.ts';
import { RawSocket } from '../../support/raw-socket.ts';

const { libc, skip } = await findLibc();

test('slots are filled one after the other, over several sockets, and can be used again', { skip }, async (t) => {
  const { core } = looseCore(t, libc);
  const { ring, sockets } = core;
  const fds = [boundSocket(libc, '127.0.0.1'), boundSocket(libc, '::1')];
  const senders = [RawSocket.udp(libc, '127.0.0.1'), RawSocket.udp(libc, '::1')];
  t.teardown(() => {
    for (const fd of fds) libc.close(fd);
    for (const sender of senders) sender.close();
  });
  for (let round = 0; round < 3; round++) {
    t.equal(ring.free, RING_SLOTS);
    const expected: string[] = [];
    // IPv4 into slots where IPv6 was before, and the reverse.
    for (const which of round % 2 === 0 ? [0, 1] : [1, 0]) {
      const [fd, sender] = [fds[which] as number, senders[which] as RawSocket];
      for (let index = 0; index < 20; index++) {
        const bytes = unlikeOthers(index + round, 1 + index * 50);
        sender.send(bytes, which === 0 ? '127.0.0.1' : '::1', sockets.addressOf(fd).port);
        expected.push(`${sender.port} ${bytes.toString('base64')}`);
      }
      t.equal(ring.receive(fd, 12), 12, 'as many as wanted');
      t.equal(ring.receive(fd, 12), 8, 'or as many as there are');
      t.equal(ring.receive(fd, 12), -1);
    }
    t.equal(ring.next, 40);
    t.equal(ring.free, RING_SLOTS - 40);
    const heard = Array.from({ length: 40 }, (_, slot) => {
      const start = ring.dataAt(slot);
      const bytes = core.arena.bytes.subarray(start, start + ring.lengthOf(slot));
      return `${core.arena.bytes.readUInt16BE(ring.nameAt(slot) + 2)} ${bytes.toString('base64')}`;
    });
    t.same(heard, expected);
    ring.reset();
  }
});

test('room is made by sending what is due', { skip }, async (t) => {
  const { core } = looseCore(t, libc);
  const fd = boundSocket(libc, '127.0.0.1');
  const sender = RawSocket.udp(libc, '127.0.0.1');
  t.teardown(() => {
    libc.close(fd);
    sender.close();
  });
  for (let index = 0; index < 3; index++) sender.send(Buffer.from('x'), '127.0.0.1', core.sockets.addressOf(fd).port);
  t.equal(core.ring.receive(fd, 3), 3);
  let flushed = 0;
  const flush = core.queue.flush.bind(core.queue);
  core.queue.flush = () => {
    flushed++;
    flush();
  };
  core.makeRoom(RING_SLOTS - 3);
  t.same([flushed, core.ring.next], [0, 3], 'there is room');
  core.makeRoom(RING_SLOTS - 2);
  t.same([flushed, core.ring.next], [1, 0]);
});
