// Sends datagrams to a Unix socket, which Node cannot: the way to tell a service manager how things stand (sd_notify).
// Knows nothing of what is said.

import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from './abi.ts';
import type { Libc } from './libc.ts';
import { checked } from './system-error.ts';

/** sun_path of struct sockaddr_un. */
const MAX_PATH_BYTES = 108;

/** An open socket. */
export interface NotifySocket {
  /** Sends one datagram. Never throws or waits: what nobody takes is lost. */
  send(text: string): void;
  close(): void;
}

/**
 * @param address a path, or a name of the abstract namespace behind an `@`
 * @throws RangeError for an address that is none, SystemCallError where the system gives no socket
 */
export function openNotifySocket(libc: Libc, address: string): NotifySocket {
  const name = sockaddrUn(address);
  const fd = checked(libc, 'socket', libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return {
    send: (text) => {
      // A buffer of its own: a slice of Node's pool is not where its ArrayBuffer begins.
      const bytes = new TextEncoder().encode(text);
      libc.sendto(fd, bytes, bytes.length, 0, name, name.length);
    },
    close: () => void libc.close(fd),
  };
}

// struct sockaddr_un { uint16 family; char path[108] }: an abstract name begins with a NUL and has none behind it.
function sockaddrUn(address: string): Uint8Array {
  const isAbstract = address.startsWith('@');
  if (!isAbstract && !address.startsWith('/')) throw new RangeError(`${address} is neither a path nor @ and a name`);
  const path = new TextEncoder().encode(isAbstract ? `\0${address.slice(1)}` : `${address}\0`);
  if (path.length > MAX_PATH_BYTES) throw new RangeError(`${address} is longer than a socket's address may be`);
  const name = new Uint8Array(2 + path.length);
  name[0] = AF_UNIX; // every architecture that koffi serves here is little-endian
  name.set(path, 2);
  return name;
}
