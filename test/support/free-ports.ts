// Finds ports that are free now, for foreign programs that cannot be told to take port 0. Another program may take
// them before they are used; the programs fail loudly then.

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const LOWEST_PORT = 10_000;
/** Below the range from which Linux takes ephemeral ports, so that no client socket lands in a block. */
const EPHEMERAL_PORT = 32_768;
const ATTEMPTS = 50;

/** A port of `address` that is free for both TCP and UDP. */
export async function findFreePort(address: string): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const server = createServer().listen(0, address);
    await once(server, 'listening');
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const free = await isFreeForUdp(address, port);
    server.close();
    await once(server, 'close');
    if (free) return port;
  }
  throw new Error(`no port of ${address} is free for both TCP and UDP`);
}

/** The first port of `size` consecutive ones, all free for UDP on `address`. */
export async function findFreeBlock(address: string, size: number): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const first = randomInt(LOWEST_PORT, EPHEMERAL_PORT - size);
    const ports = Array.from({ length: size }, (_, index) => first + index);
    const free = await Promise.all(ports.map((port) => isFreeForUdp(address, port)));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`no ${size} consecutive UDP ports of ${address} are free`);
}

async function isFreeForUdp(address: string, port: number): Promise<boolean> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.bind(port, address);
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
