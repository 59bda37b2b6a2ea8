import { type Test, test } from 'tap';
import { Arena } from '../../../src/planes/linux/arena.ts';
import { POLLER_SIZE, type Pollable, Poller } from '../../../src/planes/linux/poller.ts';
import { SystemCallError } from '../../../src/planes/linux/system-error.ts';
import { findLibc } from '../../support/linux-libc.ts';
import { boundSocket } from '../../support/linux-plane.ts';
import { RawSocket } from '../../support/raw-socket.ts';

const { libc, skip } = await findLibc();

/** Counts how often it is asked to read, and says that there is more as often as the test wants. */
class Readable implements Pollable {
  readonly fd: number;
  pollSlot = -1;
  reads = 0;
  more = 0;
  onRead: () => void = () => {};

  constructor(t: Test, fd = boundSocket(libc, '127.0.0.1')) {
    this.fd = fd;
    t.teardown(() => libc.close(this.fd));
  }

  onReadable(): boolean {
    this.reads++;
    this.onRead();
    return this.more-- > 0;
  }

  onError(): void {}

  /** Makes it readable anew. */
  poke(): void {
    const raw = RawSocket.udp(libc, '127.0.0.1');
    const name = new Uint8Array(new ArrayBuffer(80), 0, 32);
    const length = new Uint8Array(new ArrayBuffer(80), 0, 4);
    length[0] = 32;
    libc.getsockname(this.fd, name, length);
    raw.send(Buffer.from('x'), '127.0.0.1', ((name[2] as number) << 8) | (name[3] as number));
    raw.close();
  }
}

function poller(t: Test): Poller {
  const made = new Poller(libc, new Arena(libc, POLLER_SIZE));
  t.teardown(() => made.close());
  return made;
}

const turn = (made: Poller): boolean => made.dispatch(made.wait(0));

test('a socket is told once of what has come', { skip }, async (t) => {
  const made = poller(t);
  const socket = new Readable(t);
  socket.poke();
  made.add(socket);
  turn(made);
  turn(made);
  t.equal(socket.reads, 1, 'although it is still readable');
  socket.poke();
  turn(made);
  t.equal(socket.reads, 2);
});

test('a socket that has more is asked again, once a round, whatever comes meanwhile', { skip }, async (t) => {
  const made = poller(t);
  const socket = new Readable(t);
  made.add(socket);
  socket.more = 5;
  for (let round = 1; round <= 6; round++) {
    if (round < 6) socket.poke();
    turn(made);
    t.equal(socket.reads, round);
    t.equal(made.isUnfinished, round < 6);
  }
  turn(made);
  t.equal(socket.reads, 6);
});

test('a socket that was removed is not asked any more, and its successor in the slot is', { skip }, async (t) => {
  const made = poller(t);
  const [one, two] = [new Readable(t), new Readable(t)];
  made.add(one);
  one.more = 100;
  one.poke();
  turn(made);
  made.remove(one);
  made.remove(one);
  two.poke();
  made.add(two);
  turn(made);
  t.same([one.reads, two.reads], [1, 1]);
  t.equal(made.isUnfinished, false);
});

test('a socket may remove itself and others while it reads', { skip }, async (t) => {
  const made = poller(t);
  const sockets = [new Readable(t), new Readable(t)];
  for (const socket of sockets) {
    socket.more = 1;
    socket.poke();
    made.add(socket);
    socket.onRead = () => {
      for (const other of sockets) made.remove(other);
    };
  }
  turn(made);
  turn(made);
  t.equal(
    sockets.reduce((sum, { reads }) => sum + reads, 0),
    1,
  );
  t.equal(made.isUnfinished, false);
});

test('a descriptor that cannot be polled is an error', { skip }, async (t) => {
  const made = poller(t);
  const bad: Pollable = { fd: 999_999, pollSlot: -1, onReadable: () => false, onError: () => {} };
  t.throws(() => made.add(bad), SystemCallError);
  t.equal(bad.pollSlot, -1);
});

test('a foreign descriptor ends a wait while it is in, and is no socket', { skip }, async (t) => {
  const made = poller(t);
  const foreign = new Readable(t);
  foreign.poke();
  made.setForeign(foreign.fd, true);
  t.equal(turn(made), true);
  t.equal(turn(made), true, 'as long as it is ready');
  made.setForeign(foreign.fd, false);
  t.equal(turn(made), false);
  t.equal(foreign.reads, 0);
});

test('closing twice closes nobody else’s descriptor', { skip }, async (t) => {
  const made = poller(t);
  made.close();
  const socket = new Readable(t);
  t.equal(socket.fd, made.fd, 'the number is used again');
  made.close();
  const other = poller(t);
  other.add(socket);
  t.ok(socket.pollSlot >= 0, 'and the descriptor is open');
});
