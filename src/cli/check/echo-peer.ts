// The far end of an echo through a relay: a socket of our own, reached by our own public address, or a second allocation on
// the same server. Either returns what it gets.

import { randomBytes } from 'node:crypto';
import { DatagramQueue } from '../../client/datagram-queue.ts';
import type { OpenAllocation } from '../../client/open-allocation.ts';
import type { TurnClient } from '../../client/turn-client.ts';
import type { IpAddress } from '../../stun/ip-address.ts';
import { TransportAddress } from '../../stun/transport-address.ts';

/** Which way the echo takes. */
export type EchoWay = 'own address' | 'second allocation';

/** The far end. */
export interface EchoPeer {
  readonly way: EchoWay;
  /** Finds the address that the relay must send to; null when the peer could not reach the relay. */
  find(timeoutMs: number): Promise<TransportAddress | null>;
  /** Where to send to when {@link find} found nothing. */
  readonly guess: TransportAddress;
  close(): Promise<void>;
}

const PROBE_INTERVAL_MS = 200;

/**
 * A socket of our own. It first sends to the relayed address, which opens a NAT on our side, and the relay then tells from
 * which address that came. The permission for `ip` must be there.
 */
export async function openOwnPeer(near: OpenAllocation, ip: IpAddress): Promise<EchoPeer> {
  const { client, allocation } = near;
  const queue = await DatagramQueue.open({ remote: allocation.relayed });
  const guess = new TransportAddress(ip, queue.local.port);
  void returnAll(queue);
  return {
    way: 'own address',
    guess,
    find: (timeoutMs) => probe(queue, client, timeoutMs),
    close: () => queue.close(),
  };
}

// The socket is connected: whatever it hears came from the relay.
async function returnAll(queue: DatagramQueue): Promise<void> {
  for (;;) {
    const datagram = await queue.next().catch(() => undefined);
    if (datagram === null) return;
    if (datagram !== undefined) queue.send(datagram.bytes);
  }
}

function probe(queue: DatagramQueue, client: TurnClient, timeoutMs: number): Promise<TransportAddress | null> {
  const { timers } = client;
  const token = randomBytes(16);
  return new Promise((resolve) => {
    const settle = (peer: TransportAddress | null): void => {
      cancelProbe();
      cancelLimit();
      client.onPeerData = () => {};
      resolve(peer);
    };
    client.onPeerData = (peer, data) => {
      if (data.equals(token)) settle(peer);
    };
    let cancelProbe: () => void = () => {};
    const send = (): void => {
      queue.send(token);
      cancelProbe = timers.after(PROBE_INTERVAL_MS, send);
    };
    const cancelLimit = timers.after(timeoutMs, () => settle(null));
    send();
  });
}

/** A second allocation. It permits the first one's relayed address; the first one must permit its. */
export async function openAllocatedPeer(near: OpenAllocation, far: OpenAllocation): Promise<EchoPeer> {
  far.client.onPeerData = (peer, data) => far.client.send(peer, data);
  await far.client.createPermission(near.allocation.relayed.ip);
  const { relayed } = far.allocation;
  return {
    way: 'second allocation',
    guess: relayed,
    find: async () => relayed,
    close: () => release(far.client),
  };
}

/** Ends an allocation and its path, whether the server answers or not. */
export async function release(client: TurnClient): Promise<void> {
  await client.refresh(0).catch(() => {});
  await client.close();
}
