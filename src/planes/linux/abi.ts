// The numbers of the kernel's interface that this plane uses: structure layouts, constants, and where the two supported
// architectures differ. Knows no calls. Everything here is little-endian, 64-bit Linux: x64 and arm64.

/** Address families, socket types and flags (include/linux/socket.h). */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK = 0x800;
export const SOCK_CLOEXEC = 0x80000;

/** Flags of messages. */
export const MSG_CTRUNC = 0x8;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x40000000;

/** Option levels. */
export const SOL_IP = 0;
export const SOL_TCP = 6;
export const SOL_SOCKET = 1;
export const SOL_UDP = 17;
export const SOL_IPV6 = 41;

/** Options of SOL_SOCKET. */
export const SO_REUSEADDR = 2;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_REUSEPORT = 15;
export const SO_MEMINFO = 55;
export const SCM_RIGHTS = 1;

/** What SO_MEMINFO tells: 9 words of 32 bits, of which the last counts the datagrams that were dropped. */
export const MEMINFO_SIZE = 36;
export const MEMINFO_DROPS = 8;

/** Options of SOL_IP and SOL_IPV6. */
export const IP_TOS = 1;
export const IP_MTU_DISCOVER = 10;
export const IP_RECVERR = 11;
export const IP_RECVTOS = 13;
export const IP_PMTUDISC_DONT = 0;
export const IP_PMTUDISC_DO = 2;
export const IP_PMTUDISC_OMIT = 5;
export const IPV6_MTU_DISCOVER = 23;
export const IPV6_RECVERR = 25;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVTCLASS = 66;
export const IPV6_TCLASS = 67;

/** Options of SOL_TCP. */
export const TCP_NOTSENT_LOWAT = 25;

/** Options of SOL_UDP; in control messages UDP_SEGMENT carries a u16, UDP_GRO an int. */
export const UDP_SEGMENT = 103;
export const UDP_GRO = 104;

/** Events of epoll. */
export const EPOLLIN = 0x1;
export const EPOLLERR = 0x8;
export const EPOLLET = 0x80000000;
export const EPOLL_CLOEXEC = 0x80000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;

/** clock_gettime(2) and struct timespec: seconds (u64) at 0, nanoseconds at 8. */
export const CLOCK_MONOTONIC = 1;
export const TIMESPEC_SIZE = 16;

/** timerfd_create(2), and struct itimerspec: the interval, then the first expiry, each a timespec. */
export const TFD_NONBLOCK = SOCK_NONBLOCK;
export const TFD_CLOEXEC = SOCK_CLOEXEC;
export const ITIMERSPEC_SIZE = 32;

/** prctl(2). */
export const PR_SET_TIMERSLACK = 29;

/** memfd_create(2), mmap(2) and fcntl(2). */
export const MFD_CLOEXEC = 1;
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;

/** Errors that are told apart here; the same on both architectures. */
export const EPERM = 1;
export const EINTR = 4;
export const EIO = 5;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EINVAL = 22;
export const EMSGSIZE = 90;
export const ENOBUFS = 105;

/** struct sockaddr_in: family at 0 (u16), port at 2 (network order), address at 4. */
export const SOCKADDR_IN_SIZE = 16;
/** struct sockaddr_in6: family at 0, port at 2, flow label at 4, address at 8, scope at 24. */
export const SOCKADDR_IN6_SIZE = 28;
/** Room for either. */
export const SOCKADDR_ROOM = 32;

/** struct iovec: base at 0, length at 8. */
export const IOVEC_SIZE = 16;

/** struct msghdr in words of 32 bits: what a mmsghdr begins with. */
export const MSGHDR_SIZE = 56;
export const MSGHDR_NAME = 0;
export const MSGHDR_NAMELEN = 2;
export const MSGHDR_IOV = 4;
export const MSGHDR_IOVLEN = 6;
export const MSGHDR_CONTROL = 8;
export const MSGHDR_CONTROLLEN = 10;
export const MSGHDR_FLAGS = 12;

/** struct mmsghdr: a msghdr, then the length of the datagram (in words of 32 bits: at 14). */
export const MMSGHDR_SIZE = 64;
export const MMSGHDR_LEN = 14;

/** struct cmsghdr: length (u64) at 0, level at 8, type at 12, data at 16; the next one follows at a multiple of 8. */
export const CMSGHDR_SIZE = 16;

/** struct epoll_event: packed on x64 only. `data` holds our own number. */
export interface EpollLayout {
  readonly size: number;
  readonly data: number;
}

/** The layout of epoll_event on an architecture of Node's naming, or null where this plane has never run. */
export function epollLayout(architecture: string): EpollLayout | null {
  if (architecture === 'x64') return { size: 12, data: 4 };
  if (architecture === 'arm64') return { size: 16, data: 8 };
  return null;
}
