// Run with few descriptors by the tests of the Linux plane: uses them up, and reports what then fails, and what it leaks.

import { openPair } from '../../../src/planes/linux/descriptor-channel.ts';
import { loadLibc } from '../../../src/planes/linux/libc.ts';
import { openTcpListening, openUdpListening } from '../../../src/planes/linux/listening-sockets.ts';
import { IpAddress } from '../../../src/stun/ip-address.ts';
import { TransportAddress } from '../../../src/stun/transport-address.ts';

/** How many stay free for the tries: fewer than any of them needs. */
const SPARE = 3;

const libc = await loadLibc();
const { near, far } = openPair(libc);
near.send(Buffer.from('ten'), Array<number>(10).fill(0));
near.send(Buffer.from('two'), [0, 1]);

/** Opens descriptors until none is left, and returns them. */
function useUp(): number[] {
  const fds: number[] = [];
  for (let fd = libc.memfdCreate('', 0); fd >= 0; fd = libc.memfdCreate('', 0)) fds.push(fd);
  return fds;
}

function closeAll(fds: readonly number[]): number {
  for (const fd of fds) libc.close(fd);
  return fds.length;
}

function codeOf(attempt: () => unknown): unknown {
  try {
    return attempt();
  } catch (error) {
    return (error as { readonly code?: unknown }).code;
  }
}

const held = useUp();
closeAll(held.splice(0, SPARE));
const loopback = new TransportAddress(new IpAddress(4, 0, 0, 0, 0x7f000001), 0);
const ten = far.receive();
const afterReceive = closeAll(useUp());
const udp = codeOf(() => openUdpListening(libc, loopback, SPARE + 1, 65_536));
const afterUdp = closeAll(useUp());
const tcp = codeOf(() => openTcpListening(libc, loopback, SPARE + 1, { dualStack: false, backlog: 1 }));
const afterTcp = closeAll(useUp());
const two = far.receive();
const left = [afterReceive, afterUdp, afterTcp];
closeAll(held);
const view = [ten, two].map((one) => ({ message: one?.message.toString(), fds: one?.fds.length, cut: one?.truncated }));
console.log(JSON.stringify({ ten: view[0], two: view[1], udp, tcp, left }));
