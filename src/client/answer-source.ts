// Finds out whether a silent server answers after all, from another address than the one asked: a connected socket, like
// every browser's, never hears that (RFC 8489 §6.3.1.1 forbids it to servers).

import { randomBytes } from 'node:crypto';
import { parseIp } from '../stun/ip-address.ts';
import { HEADER_LENGTH, Method, TRANSACTION_ID_LENGTH } from '../stun/methods.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import { DatagramQueue } from './datagram-queue.ts';
import { writeRequest } from './request-message.ts';
import type { Timers } from './timers.ts';

/** The address from which a Binding is answered, whichever it is; null when nobody answers in time. Never rejects. */
export async function findAnswerSource(
  server: TransportAddress,
  timers: Timers,
  timeoutMs: number,
): Promise<TransportAddress | null> {
  const transactionId = randomBytes(TRANSACTION_ID_LENGTH);
  const queue = await DatagramQueue.open({ family: server.ip.family }).catch(() => null);
  if (queue === null) return null;
  const cancel = timers.after(timeoutMs, () => void queue.close());
  try {
    queue.send(writeRequest(Method.BINDING, transactionId, {}, null), server);
    for await (const { bytes, from } of queue) {
      if (
        bytes.length < HEADER_LENGTH ||
        bytes.compare(transactionId, 0, TRANSACTION_ID_LENGTH, 8, HEADER_LENGTH) !== 0
      )
        continue;
      const ip = parseIp(from.address.replace(/%.*$/, ''));
      return ip === null ? null : new TransportAddress(ip, from.port);
    }
    return null;
  } catch {
    // What the socket says against it is no answer either.
    return null;
  } finally {
    cancel();
    await queue.close();
  }
}
