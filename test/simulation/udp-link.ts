// A UDP listener of a simulated process, as the planes have one: strangers share a scratch endpoint, which like the receive
// buffer is overwritten after each call, so that whatever keeps them beyond its time is caught.

import { TransportWords } from '../../src/stun/transport-address.ts';
import { ClientEndpoint } from '../../src/turn/client-endpoint.ts';
import { type ClientLink, HEADER_ROOM } from '../../src/turn/env.ts';
import { SERVER, transportAddress } from '../support/lab.ts';
import type { SimClient } from './sim-client.ts';

/** Takes what leaves, by the text of the client's address. */
export type Emit = (address: string, bytes: Buffer) => void;

/** One listener. */
export class UdpLink implements ClientLink {
  readonly #emit: Emit;
  readonly #scratch: ClientEndpoint;
  readonly #known = new Map<string, ClientEndpoint>();

  constructor(emit: Emit) {
    this.#emit = emit;
    this.#scratch = new ClientEndpoint(this, 'udp', transportAddress(SERVER));
  }

  /** Five-tuples that something is kept of. */
  get size(): number {
    return this.#known.size;
  }

  /** A datagram from a client, for whoever handles it. */
  arrived(
    client: SimClient,
    bytes: Buffer,
    handle: (endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number) => void,
  ): void {
    const room = Buffer.alloc(bytes.length + 32, 0xa5);
    bytes.copy(room, 16);
    const endpoint = this.#known.get(client.address.text) ?? this.#scratch;
    if (endpoint === this.#scratch) endpoint.source.set(client.address);
    handle(endpoint, room, 16, 16 + bytes.length);
    room.fill(0xee);
    this.#scratch.source.copyFrom(new TransportWords());
  }

  send(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void {
    this.#emit(keyOf(endpoint), Buffer.from(buffer.subarray(start, end)));
  }

  header(): Buffer {
    return Buffer.alloc(HEADER_ROOM, 0xa5);
  }

  sendRelayed(
    endpoint: ClientEndpoint,
    header: Buffer,
    headerEnd: number,
    buffer: Buffer,
    start: number,
    end: number,
    padding: number,
  ): void {
    const parts = [header.subarray(0, headerEnd), buffer.subarray(start, end), Buffer.alloc(padding)];
    this.#emit(keyOf(endpoint), Buffer.concat(parts));
  }

  retain(endpoint: ClientEndpoint): ClientEndpoint {
    const key = keyOf(endpoint);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const lasting = endpoint.copy();
    this.#known.set(key, lasting);
    return lasting;
  }

  find(endpoint: ClientEndpoint): ClientEndpoint | null {
    return this.#known.get(keyOf(endpoint)) ?? null;
  }

  release(endpoint: ClientEndpoint): void {
    this.#known.delete(keyOf(endpoint));
  }
}

function keyOf(endpoint: ClientEndpoint): string {
  return endpoint.client.text;
}
