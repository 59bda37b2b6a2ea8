// The usual beginning of a test about data: a client with an allocation, and a peer. And a stream to such a client.

import { FrameStatus, StreamFramer } from '../../src/stun/stream-framer.ts';
import { Lab, type LabOptions } from './lab.ts';
import type { LabClient, LabClientOptions } from './lab-client.ts';
import type { LabPeer } from './lab-network.ts';

/** Peers at public addresses, which no built-in rule refuses. */
export const PEER = '93.184.216.34:5000';
export const PEER_OTHER_PORT = '93.184.216.34:5001';
export const PEER_B = '8.8.4.4:6000';
export const PEER_V6 = '[2600:1f18::5]:7000';

export interface Relayed {
  readonly lab: Lab;
  readonly client: LabClient;
  /** The client's relayed address. */
  readonly relayed: string;
  /** {@link PEER}. */
  readonly peer: LabPeer;
}

/** A lab in which alice has an IPv4 allocation; no permission yet. */
export async function allocated(options: LabOptions = {}, client: LabClientOptions = {}): Promise<Relayed> {
  const lab = new Lab(options);
  const alice = lab.client(client);
  return { lab, client: alice, relayed: await alice.allocated(), peer: lab.peer(PEER) };
}

/** Cuts a stream as a connection of this client would, and passes the frames on; false once it is to be closed. */
export class LabStream {
  readonly #client: LabClient;
  readonly #framer: StreamFramer = new StreamFramer();

  constructor(client: LabClient) {
    this.#client = client;
  }

  /** Receives the next bytes, in chunks of `size`. */
  push(bytes: Buffer, size: number = bytes.length): boolean {
    for (let at = 0; at < bytes.length; at += size) {
      this.#framer.push(bytes.subarray(at, at + size));
      let status = this.#framer.next();
      for (; status === FrameStatus.FRAME; status = this.#framer.next()) {
        this.#client.send(this.#framer.buffer.subarray(this.#framer.start, this.#framer.end));
      }
      if (status === FrameStatus.FATAL) return false;
    }
    return true;
  }
}

/** How many messages a datagram from `peer` to the relayed address brings the client: 1 or 0. */
export function hears(client: LabClient, peer: LabPeer, relayed: string): number {
  client.take();
  peer.send(relayed, 'anybody there?');
  return client.take().length;
}

/** How many datagrams a Send indication to the peer brings it: 1 or 0. */
export function reaches(client: LabClient, peer: LabPeer): number {
  peer.take();
  client.sendTo(peer.address.text, 'anybody there?');
  return peer.take().length;
}
