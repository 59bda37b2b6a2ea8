// The system calls of this plane: their prototypes, and koffi, which makes them callable. The only file that knows koffi.
// What a call means and what to do about its errors is its caller's business.

import { type EpollLayout, epollLayout } from './abi.ts';

/** Memory that is handed to a call: it must stay where it is, as the memory of every ArrayBuffer does. */
export type Memory = Uint8Array;

/** Calls return -1 (or less) on failure; {@link errno} then tells why. None of them blocks unless it says so. */
export interface Libc {
  readonly epollLayout: EpollLayout;
  /** The error of the last call that failed. */
  errno(): number;
  /** The address of an ArrayBuffer's memory: below 2^53 on every Linux. */
  addressOf(memory: Memory): number;
  /** The memory at an address as an ArrayBuffer: of {@link mmap}. */
  view(address: number, length: number): ArrayBuffer;
  socket(domain: number, type: number, protocol: number): number;
  socketpair(domain: number, type: number, protocol: number, pair: Memory): number;
  bind(fd: number, address: Memory, length: number): number;
  connect(fd: number, address: Memory, length: number): number;
  listen(fd: number, backlog: number): number;
  getsockname(fd: number, address: Memory, length: Memory): number;
  setsockopt(fd: number, level: number, option: number, value: Memory, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Memory, length: Memory): number;
  close(fd: number): number;
  recvmmsg(fd: number, messages: Memory, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, messages: Memory, count: number, flags: number): number;
  sendto(fd: number, data: Memory, length: number, flags: number, to: Memory, toLength: number): number;
  recvmsg(fd: number, message: Memory, flags: number): number;
  sendmsg(fd: number, message: Memory, flags: number): number;
  epollCreate(flags: number): number;
  epollCtl(epoll: number, operation: number, fd: number, event: Memory | null): number;
  /** Blocks for up to `milliseconds`. */
  epollWait(epoll: number, events: Memory, count: number, milliseconds: number): number;
  /** Blocks for the struct timespec. */
  nanosleep(time: Memory, rest: null): number;
  timerfdCreate(clock: number, flags: number): number;
  /** Sets a struct itimerspec. */
  timerfdSettime(fd: number, flags: number, time: Memory, before: null): number;
  read(fd: number, memory: Memory, length: number): number;
  prctl(option: number, value: number): number;
  memfdCreate(name: string, flags: number): number;
  ftruncate(fd: number, length: number): number;
  /** The address of the mapping, or -1. */
  mmap(length: number, protection: number, flags: number, fd: number): number;
  /** The descriptor of libuv's own epoll. */
  uvBackendFd(): number;
  /** Fills a struct timespec. */
  clockGettime(clock: number, time: Memory): number;
  /** Calls back, from libuv's loop, whenever the descriptor is readable. */
  watch(fd: number, onReadable: () => void): Watch;
}

/** A descriptor in libuv's own loop. */
export interface Watch {
  start(): void;
  stop(): void;
  close(): void;
}

/** Why the calls cannot be had on this system, as a sentence's second half. */
export class LibcUnavailableError extends Error {
  override readonly name = 'LibcUnavailableError';
}

/** Loads the calls. @throws LibcUnavailableError where the system, the architecture or koffi does not allow it */
export async function loadLibc(): Promise<Libc> {
  if (process.platform !== 'linux') throw new LibcUnavailableError(`this system is ${process.platform}, not linux`);
  const layout = epollLayout(process.arch);
  if (layout === null) throw new LibcUnavailableError(`it has never been tried on ${process.arch}`);
  const koffi = await importKoffi();
  try {
    return bindCalls(koffi, layout);
  } catch (error) {
    throw new LibcUnavailableError(`a system call cannot be bound (${(error as Error).message})`, { cause: error });
  }
}

type Koffi = typeof import('koffi');

async function importKoffi(): Promise<Koffi> {
  try {
    const loaded = (await import('koffi')) as unknown as { readonly default: Koffi };
    return loaded.default;
  } catch (cause) {
    throw new LibcUnavailableError('the optional package koffi is not installed, or has no binary for this system', {
      cause,
    });
  }
}

// The C library is looked up in the process itself: its file has another name on every distribution. A prototype that
// returns a pointer as a number spares a BigInt.
function bindCalls(koffi: Koffi, layout: EpollLayout): Libc {
  const self = koffi.load(null);
  // koffi types its functions loosely; the interface above is what their prototypes say.
  const call = <T>(prototype: string): T => self.func(prototype) as unknown as T;
  const errno = koffi.errno as () => number;
  const uvLoop = call<() => unknown>('void* uv_default_loop()')();
  const uvBackendFd = call<(loop: unknown) => number>('int uv_backend_fd(void*)');
  const mmap = call<(at: null, length: number, protection: number, flags: number, fd: number, from: number) => number>(
    'intptr_t mmap(void*, size_t, int, int, int, long)',
  );
  const prctl = call<(option: number, value: number, a: number, b: number, c: number) => number>(
    'int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)',
  );
  return Object.freeze({
    epollLayout: layout,
    errno,
    addressOf: (memory) => Number(koffi.address(memory)),
    view: (address, length) => koffi.view(BigInt(address) as never, length) as ArrayBuffer,
    socket: call<Libc['socket']>('int socket(int, int, int)'),
    socketpair: call<Libc['socketpair']>('int socketpair(int, int, int, void*)'),
    bind: call<Libc['bind']>('int bind(int, void*, uint)'),
    connect: call<Libc['connect']>('int connect(int, void*, uint)'),
    listen: call<Libc['listen']>('int listen(int, int)'),
    getsockname: call<Libc['getsockname']>('int getsockname(int, void*, void*)'),
    setsockopt: call<Libc['setsockopt']>('int setsockopt(int, int, int, void*, uint)'),
    getsockopt: call<Libc['getsockopt']>('int getsockopt(int, int, int, void*, void*)'),
    close: call<Libc['close']>('int close(int)'),
    recvmmsg: call<Libc['recvmmsg']>('int recvmmsg(int, void*, uint, int, void*)'),
    sendmmsg: call<Libc['sendmmsg']>('int sendmmsg(int, void*, uint, int)'),
    sendto: call<Libc['sendto']>('intptr_t sendto(int, void*, size_t, int, void*, uint)'),
    recvmsg: call<Libc['recvmsg']>('intptr_t recvmsg(int, void*, int)'),
    sendmsg: call<Libc['sendmsg']>('intptr_t sendmsg(int, void*, int)'),
    epollCreate: call<Libc['epollCreate']>('int epoll_create1(int)'),
    epollCtl: call<Libc['epollCtl']>('int epoll_ctl(int, int, int, void*)'),
    epollWait: call<Libc['epollWait']>('int epoll_wait(int, void*, int, int)'),
    nanosleep: call<Libc['nanosleep']>('int nanosleep(void*, void*)'),
    timerfdCreate: call<Libc['timerfdCreate']>('int timerfd_create(int, int)'),
    timerfdSettime: call<Libc['timerfdSettime']>('int timerfd_settime(int, int, void*, void*)'),
    read: call<Libc['read']>('intptr_t read(int, void*, size_t)'),
    prctl: (option, value) => prctl(option, value, 0, 0, 0),
    memfdCreate: call<Libc['memfdCreate']>('int memfd_create(str, uint)'),
    ftruncate: call<Libc['ftruncate']>('int ftruncate(int, long)'),
    mmap: (length, protection, flags, fd) => mmap(null, length, protection, flags, fd, 0),
    uvBackendFd: () => uvBackendFd(uvLoop),
    clockGettime: call<Libc['clockGettime']>('int clock_gettime(int, void*)'),
    watch: (fd, onReadable) => watch(koffi, fd, onReadable),
  } satisfies Libc);
}

function watch(koffi: Koffi, fd: number, onReadable: () => void): Watch {
  const handle = koffi.node.poll(fd, { readable: true }, onReadable);
  handle.stop();
  return {
    start: () => handle.start({ readable: true }, onReadable),
    stop: () => handle.stop(),
    close: () => handle.close(),
  };
}
