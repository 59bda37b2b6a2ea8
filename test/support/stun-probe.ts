// Waits until a STUN server on UDP answers. It knows one message: a Binding request in literal bytes.

import { createSocket } from 'node:dgram';

/** RFC 8489 §5: Binding request, no attributes, magic cookie, a fixed transaction id. */
const BINDING_REQUEST = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');
const INTERVAL_MS = 50;

/** Resolves at the first answer of `address:port`; rejects when `signal` aborts before. */
export function waitForStunAnswer(address: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const ask = (): void => socket.send(BINDING_REQUEST, port, address);
    const timer = setInterval(ask, INTERVAL_MS);
    const finish = (settle: () => void): void => {
      clearInterval(timer);
      signal.removeEventListener('abort', onAbort);
      socket.close();
      settle();
    };
    const onAbort = (): void => finish(() => reject(signal.reason));
    socket.on('error', (error) => finish(() => reject(error)));
    socket.once('message', () => finish(resolve));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    ask();
  });
}
