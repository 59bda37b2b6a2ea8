// Opens the listening sockets of all workers: one socket per worker, all bound to one address (SO_REUSEPORT), so that the
// kernel spreads clients over them. The process that opens them keeps them: which client goes to which socket must not
// change when a worker ends. Knows nothing of who reads them.

import type { TransportAddress } from '../../stun/transport-address.ts';
import {
  AF_INET,
  AF_INET6,
  IPV6_V6ONLY,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_TCP,
  TCP_NOTSENT_LOWAT,
} from './abi.ts';
import { Arena } from './arena.ts';
import type { Libc } from './libc.ts';
import { SOCKETS_SIZE, Sockets } from './sockets.ts';
import { checked } from './system-error.ts';

/**
 * Bytes that may wait in the kernel for a client that reads too slowly. By default it lets megabytes of a call wait, which are
 * old when they arrive, and are memory of the host's that no limit of ours sees.
 */
const UNSENT_BYTES = 131_072;

/** How TCP is listened for. */
export interface TcpListeningOptions {
  /** Whether a socket on `::` takes IPv4 clients as well. */
  readonly dualStack: boolean;
  /** How many connections may wait per socket. */
  readonly backlog: number;
}

/** What differs between the kinds of sockets. */
interface Kind {
  readonly type: number;
  readonly v6only: boolean;
  /** Sets options before bind(). */
  prepare(fd: number): void;
  /** What follows bind(). */
  finish(fd: number): void;
}

/**
 * Opens `count` UDP sockets on one address; with port 0 the kernel chooses a port that nobody has. `bufferBytes` is asked
 * for in both directions, and the kernel grants what its limits allow.
 * @returns non-blocking descriptors, the caller's to close
 * @throws SystemCallError `EADDRINUSE` and the like; then nothing stays open
 */
export function openUdpListening(libc: Libc, at: TransportAddress, count: number, bufferBytes: number): number[] {
  return openAll(libc, at, count, {
    type: SOCK_DGRAM,
    // An IPv4 client would show up as ::ffff:a.b.c.d, and its answers leave from an address of the kernel's choice.
    v6only: true,
    prepare: (fd) => {
      setOption(libc, fd, SOL_SOCKET, SO_RCVBUF, bufferBytes);
      setOption(libc, fd, SOL_SOCKET, SO_SNDBUF, bufferBytes);
    },
    finish: () => {},
  });
}

/** {@link openUdpListening} for TCP. The sockets listen at once: connections wait in them while no worker lives. */
export function openTcpListening(
  libc: Libc,
  at: TransportAddress,
  count: number,
  options: TcpListeningOptions,
): number[] {
  return openAll(libc, at, count, {
    type: SOCK_STREAM,
    v6only: !options.dualStack,
    // As Node does: connections of a server that has ended must not keep the next one from starting.
    prepare: (fd) => {
      setOption(libc, fd, SOL_SOCKET, SO_REUSEADDR, 1);
      // Connections inherit it. A wish: not every kernel that looks like Linux knows it.
      libc.setsockopt(fd, SOL_TCP, TCP_NOTSENT_LOWAT, intBytes(UNSENT_BYTES), 4);
    },
    finish: (fd) => void checked(libc, 'listen', libc.listen(fd, options.backlog)),
  });
}

/** The address that a socket is bound to. @throws SystemCallError */
export function boundAddress(libc: Libc, fd: number): TransportAddress {
  return new Sockets(libc, new Arena(libc, SOCKETS_SIZE)).addressOf(fd);
}

// The first socket is bound (and listens) before it gets SO_REUSEPORT. So whoever else has the address, a second turnd of
// the same user included, is noticed, and at no moment is the address free again, as it would be after a trial bind.
function openAll(libc: Libc, at: TransportAddress, count: number, kind: Kind): number[] {
  const fds: number[] = [];
  const sockets = new Sockets(libc, new Arena(libc, SOCKETS_SIZE));
  try {
    let address = at;
    while (fds.length < count) {
      const isFirst = fds.length === 0;
      const fd = openSocket(libc, at, kind);
      fds.push(fd);
      if (!isFirst) setOption(libc, fd, SOL_SOCKET, SO_REUSEPORT, 1);
      checked(libc, 'bind', sockets.bind(fd, address.ip, address.port));
      kind.finish(fd);
      if (isFirst) setOption(libc, fd, SOL_SOCKET, SO_REUSEPORT, 1);
      if (isFirst) address = sockets.addressOf(fd);
    }
    return fds;
  } catch (error) {
    for (const fd of fds) libc.close(fd);
    throw error;
  }
}

function openSocket(libc: Libc, at: TransportAddress, { type, v6only, prepare }: Kind): number {
  const family = at.ip.family === 6 ? AF_INET6 : AF_INET;
  const fd = checked(libc, 'socket', libc.socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  try {
    if (family === AF_INET6) setOption(libc, fd, SOL_IPV6, IPV6_V6ONLY, v6only ? 1 : 0);
    prepare(fd);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function setOption(libc: Libc, fd: number, level: number, option: number, value: number): void {
  const bytes = intBytes(value);
  checked(libc, 'setsockopt', libc.setsockopt(fd, level, option, bytes, bytes.length));
}

function intBytes(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}
