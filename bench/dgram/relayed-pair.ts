// A client and its peer on the two sides of one channel. Sends prepared packets; hands what arrives to the meter.

import type { Socket } from 'node:dgram';
import { CHANNEL_HEADER_LENGTH, FIRST_CHANNEL } from '../../src/stun/channel-data.ts';
import type { Credentials } from '../load-job.ts';
import type { Address } from '../turn-messages.ts';
import type { Meter } from './meter.ts';
import { openConnectedSocket, openSession, type TurnSession } from './turn-session.ts';

const LIFETIME_SECONDS = 600;

/** The channel of every client: numbers are per allocation, so that one prepared packet serves all. */
export const CHANNEL: number = FIRST_CHANNEL;

/** One allocation with one channel, and the peer at its end. Make it with {@link openPair}. */
export class RelayedPair {
  readonly #session: TurnSession;
  readonly #client: Socket;
  readonly #peer: Socket;

  constructor(session: TurnSession, peer: Socket, meter: Meter) {
    this.#session = session;
    this.#client = session.socket;
    this.#peer = peer;
    session.onChannelData = (message) => meter.onPacket(message, CHANNEL_HEADER_LENGTH);
    peer.on('message', (datagram) => meter.onPacket(datagram, 0));
  }

  /** Sends a packet that begins with a ChannelData header from the client. It must stay as it is until it has left. */
  sendToPeer(packet: Buffer): void {
    this.#client.send(packet);
  }

  /** Sends a bare payload from the peer. */
  sendToClient(payload: Buffer): void {
    this.#peer.send(payload);
  }

  /** Refreshes the allocation, the permission and the channel. */
  async renew(): Promise<void> {
    await this.#session.refresh(LIFETIME_SECONDS);
    await this.#session.bindChannel(CHANNEL, this.#peer.address());
  }

  /** Ends the allocation and closes both sockets. */
  async close(): Promise<void> {
    this.#peer.close();
    await this.#session.close();
  }
}

/** Where a pair belongs, and who counts its packets. */
export interface PairOptions {
  readonly server: Address;
  readonly credentials: Credentials;
  readonly meter: Meter;
  /** Local addresses of the client and of its peer; null for whatever the system takes. */
  readonly client: string | null;
  readonly peer: string | null;
}

/** Allocates, opens a peer socket towards the relayed address and binds the channel to it. */
export async function openPair(options: PairOptions): Promise<RelayedPair> {
  const session = await openSession(options.server, options.credentials, options.client);
  const relayed = await session.allocate(LIFETIME_SECONDS);
  const peer = await openConnectedSocket(relayed, options.peer);
  await session.createPermission(peer.address());
  await session.bindChannel(CHANNEL, peer.address());
  return new RelayedPair(session, peer, options.meter);
}
