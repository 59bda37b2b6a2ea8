import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Test, test } from 'tap';
import { SO_RCVBUF, SO_SNDBUF, SOL_SOCKET } from '../../../src/planes/linux/abi.ts';
import {
  boundAddress,
  openTcpListening,
  openUdpListening,
  type TcpListeningOptions,
} from '../../../src/planes/linux/listening-sockets.ts';
import { type IpAddress, parseIp } from '../../../src/stun/ip-address.ts';
import { TransportAddress } from '../../../src/stun/transport-address.ts';
import { findLibc } from '../../support/libc-under-test.ts';
import { countDescriptors, flagsOf, readDatagrams } from './raw-calls.ts';

const found = await findLibc();
const { skip } = found;
const BUFFER_BYTES = 65_536;
const QUEUE: TcpListeningOptions = { dualStack: false, backlog: 128 };

function at(ip: string, port = 0): TransportAddress {
  return new TransportAddress(parseIp(ip) as IpAddress, port);
}

function openUdp(t: Test, address: TransportAddress, count: number): number[] {
  const fds = openUdpListening(found.libc, address, count, BUFFER_BYTES);
  t.teardown(() => closeAll(fds));
  return fds;
}

function openTcp(t: Test, address: TransportAddress, count: number, options = QUEUE): number[] {
  const fds = openTcpListening(found.libc, address, count, options);
  t.teardown(() => closeAll(fds));
  return fds;
}

/** Closes them once: a test may do it before its teardown does. */
function closeAll(fds: number[]): void {
  for (const fd of fds.splice(0)) found.libc.close(fd);
}

function portOf(fds: readonly number[]): number {
  return boundAddress(found.libc, fds[0] as number).port;
}

/** Sends `count` datagrams, each from a socket of its own. */
async function sendFromMany(t: Test, count: number, to: TransportAddress): Promise<void> {
  for (let index = 0; index < count; index++) {
    const socket = createSocket(to.ip.family === 6 ? 'udp6' : 'udp4');
    t.teardown(() => socket.close());
    await new Promise<void>((resolve, reject) => {
      socket.send(`${index}`, to.port, to.ip.text, (error) => (error === null ? resolve() : reject(error)));
    });
  }
}

/** A connection, or the code of why there is none. */
async function tryToConnect(t: Test, host: string, port: number): Promise<Socket | string> {
  const socket = connect({ host, port });
  t.teardown(() => socket.destroy());
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'no code';
  }
}

/** A server of Node on a descriptor of ours, which belongs to it from then on. */
async function serve(t: Test, fd: number, onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer(onConnection).listen({ fd });
  t.teardown(() => server.close());
  await once(server, 'listening');
  return server;
}

for (const ip of ['127.0.0.1', '::1']) {
  test(`UDP sockets on ${ip} share a port, and clients are spread over all of them`, { skip }, async (t) => {
    const fds = openUdp(t, at(ip), 3);
    t.not(portOf(fds), 0);
    for (const fd of fds) t.ok(boundAddress(found.libc, fd).equals(at(ip, portOf(fds))));
    await sendFromMany(t, 100, at(ip, portOf(fds)));
    const read = await readDatagrams(found.libc, fds, 100);
    t.ok(
      read.every((texts) => texts.length > 0),
      `${read.map((texts) => texts.length)}`,
    );
    t.equal(new Set(read.flat()).size, 100, 'each datagram came once');
  });

  test(`TCP sockets on ${ip} share a port, and connections wait in all of them until somebody accepts`, {
    skip,
  }, async (t) => {
    const fds = openTcp(t, at(ip), 3);
    const port = portOf(fds);
    const clients = await Promise.all(Array.from({ length: 60 }, () => tryToConnect(t, ip, port)));
    t.ok(clients.every((client) => typeof client !== 'string'));
    const counts = fds.map(() => 0);
    let accepted = 0;
    await new Promise<void>((resolve) => {
      for (const [index, fd] of fds.splice(0).entries()) {
        void serve(t, fd, (socket) => {
          counts[index] = (counts[index] ?? 0) + 1;
          socket.destroy();
          if (++accepted === clients.length) resolve();
        });
      }
    });
    t.ok(
      counts.every((count) => count > 0),
      `${counts}`,
    );
  });
}

test('all sockets are closed at exec and do not block', { skip }, async (t) => {
  for (const fd of [...openUdp(t, at('127.0.0.1'), 2), ...openTcp(t, at('127.0.0.1'), 2)]) {
    t.same(flagsOf(fd), { closedAtExec: true, nonBlocking: true });
  }
});

test('UDP sockets have the buffers that were asked for', { skip }, async (t) => {
  for (const fd of openUdp(t, at('127.0.0.1'), 2)) {
    for (const option of [SO_RCVBUF, SO_SNDBUF]) {
      const value = new Uint8Array(4);
      found.libc.getsockopt(fd, SOL_SOCKET, option, value, new Uint8Array([4, 0, 0, 0]));
      t.equal(new DataView(value.buffer).getInt32(0, true), 2 * BUFFER_BYTES, 'the kernel doubles what is asked for');
    }
  }
});

test('a second server on the same address is refused, whatever the number of its workers', { skip }, async (t) => {
  const open = { udp: openUdp, tcp: openTcp };
  for (const [name, openKind] of Object.entries(open)) {
    const fds = openKind(t, at('127.0.0.1'), 2);
    const address = at('127.0.0.1', portOf(fds));
    const before = countDescriptors();
    for (const count of [1, 3]) t.throws(() => openKind(t, address, count), { code: 'EADDRINUSE' }, name);
    t.equal(countDescriptors(), before, 'nothing stays open');
    closeAll(fds);
    t.equal(openKind(t, address, 2).length, 2, 'and is served when the first has ended');
  }
});

test('so is one beside a server on all addresses, and beside another program', { skip }, async (t) => {
  const port = portOf(openUdp(t, at('0.0.0.0'), 2));
  t.throws(() => openUdp(t, at('127.0.0.1', port), 2), { code: 'EADDRINUSE' });
  const foreign = createSocket('udp4').bind(0, '127.0.0.1');
  t.teardown(() => foreign.close());
  await once(foreign, 'listening');
  t.throws(() => openUdp(t, at('127.0.0.1', foreign.address().port), 2), { code: 'EADDRINUSE', syscall: 'bind' });
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port: taken } = server.address() as { readonly port: number };
  t.throws(() => openTcp(t, at('127.0.0.1', taken), 2), { code: 'EADDRINUSE' });
});

test('an address that this host does not have is refused, and nothing stays open', { skip }, async (t) => {
  const before = countDescriptors();
  t.throws(() => openUdp(t, at('192.0.2.1'), 2), { code: 'EADDRNOTAVAIL', syscall: 'bind' });
  t.throws(() => openTcp(t, at('2001:db8::1'), 2), { code: 'EADDRNOTAVAIL', syscall: 'bind' });
  t.equal(countDescriptors(), before);
});

test('UDP on :: takes no IPv4 clients in disguise', { skip }, async (t) => {
  const port = portOf(openUdp(t, at('::'), 2));
  t.equal(openUdp(t, at('0.0.0.0', port), 2).length, 2, 'the same IPv4 port is still free');
});

test('TCP on :: takes IPv4 clients only where it is asked to', { skip }, async (t) => {
  for (const dualStack of [true, false]) {
    const port = portOf(openTcp(t, at('::'), 2, { dualStack, backlog: 16 }));
    t.type(await tryToConnect(t, '::1', port), 'object');
    const overIpv4 = await tryToConnect(t, '127.0.0.1', port);
    if (dualStack) t.type(overIpv4, 'object');
    else t.equal(overIpv4, 'ECONNREFUSED');
  }
});

test('connections of a server that has ended do not keep the next one from starting', { skip }, async (t) => {
  const [fd] = openTcp(t, at('127.0.0.1'), 1).splice(0) as [number];
  const { port } = boundAddress(found.libc, fd);
  // The server closes first, so its side of the connection lingers in TIME_WAIT.
  const server = await serve(t, fd, (socket) => socket.end());
  const client = connect({ host: '127.0.0.1', port });
  client.resume();
  await once(client, 'close');
  await new Promise((resolve) => server.close(resolve));
  t.equal(openTcp(t, at('127.0.0.1', port), 2).length, 2);
});

test('a descriptor without an address is an error', { skip }, async (t) => {
  t.throws(() => boundAddress(found.libc, 12_345), { code: 'EBADF', syscall: 'getsockname' });
});
