// The path to a server over UDP: a connected socket, so that ICMP tells of a port where nothing listens.

import { parseIp } from '../stun/ip-address.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import { socketError } from './client-error.ts';
import { DatagramQueue, type DatagramQueueOptions } from './datagram-queue.ts';
import type { ClientTransport, TransportListener } from './transport.ts';

/** Opens it from any local port, or from the given one. Rejects with a {@link ClientError}. */
export async function openUdpTransport(
  remote: TransportAddress,
  local: Pick<DatagramQueueOptions, 'local' | 'localPort'> = {},
): Promise<ClientTransport> {
  try {
    return new UdpTransport(await DatagramQueue.open({ ...local, remote }), remote);
  } catch (error) {
    throw socketError(remote.text, error);
  }
}

class UdpTransport implements ClientTransport {
  readonly kind = 'udp';
  readonly isReliable = false;
  readonly local: TransportAddress;
  readonly remote: TransportAddress;
  readonly certificate = null;
  readonly #queue: DatagramQueue;
  #isOpen = true;

  constructor(queue: DatagramQueue, remote: TransportAddress) {
    const { address, port } = queue.local;
    this.#queue = queue;
    this.remote = remote;
    this.local = new TransportAddress(parseIp(address.replace(/%.*$/, '')) ?? remote.ip, port);
  }

  listen(listener: TransportListener): void {
    void this.#deliver(listener);
  }

  send(bytes: Buffer): void {
    this.#queue.send(bytes);
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#queue.close();
  }

  async #deliver(listener: TransportListener): Promise<void> {
    while (this.#isOpen) {
      try {
        const datagram = await this.#queue.next();
        if (datagram === null) return;
        listener.onFrame(datagram.bytes, 0, datagram.bytes.length);
      } catch (error) {
        if (this.#isOpen) listener.onError(socketError(this.remote.text, error));
      }
    }
  }
}
