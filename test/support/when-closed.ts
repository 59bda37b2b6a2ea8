// Waits for the end of a connection, however it comes.

import type { Socket } from 'node:net';

/** Resolves when the connection is closed. `once(socket, 'close')` rejects where an error comes first, as a reset does. */
export function whenClosed(socket: Socket): Promise<void> {
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()));
}
