// A client of the simulation: a five-tuple with a user, a nonce, requests that it retransmits, and a memory of what it has
// sent. It knows only what the network brings.

import type { TransportAddress } from '../../src/stun/transport-address.ts';
import type { Transport } from '../../src/turn/transport.ts';
import { attr, type Decoded } from '../support/wire.ts';
import type { Delivery } from './model.ts';
import type { GivenNonce, SimRequest } from './requests.ts';

/** A message, and what it means. */
export interface Packet {
  readonly bytes: Buffer;
  /** Null: no request, or one that was damaged. */
  readonly request: SimRequest | null;
  /** What it brings about when it comes in; null: that is read from the bytes. */
  readonly expect: (() => Delivery[]) | null;
}

const MEMORY = 6;
const ISSUED = 4;

/** One five-tuple. */
export class SimClient {
  /** Its own for ever: whoever connects next has another one. */
  readonly serial: number;
  readonly address: TransportAddress;
  readonly transport: Transport;
  /** Where the kernel sends its datagrams or its connection: the index of a worker. */
  readonly worker: number;
  user: string;
  readonly realm: string;
  nonce: GivenNonce | null = null;
  readonly sent: Packet[] = [];
  /** Requests without an answer yet, by transaction ID. */
  readonly open: Map<string, Packet> = new Map();
  readonly #issued = new Map<string, GivenNonce>();

  constructor(
    serial: number,
    transport: Transport,
    address: TransportAddress,
    given: { readonly worker: number; readonly user: string; readonly realm: string },
  ) {
    this.serial = serial;
    this.transport = transport;
    this.address = address;
    this.worker = given.worker;
    this.user = given.user;
    this.realm = given.realm;
  }

  get stream(): boolean {
    return this.transport !== 'udp';
  }

  remember(packet: Packet): void {
    this.sent.push(packet);
    if (this.sent.length > MEMORY) this.sent.shift();
  }

  /** The server has put this nonce into an answer, which may or may not arrive. */
  issued(text: string, at: number): void {
    this.#issued.delete(text);
    this.#issued.set(text, { text, serial: this.serial, at });
    const [oldest] = this.#issued.keys();
    if (this.#issued.size > ISSUED && oldest !== undefined) this.#issued.delete(oldest);
  }

  /** An answer has arrived. */
  heard(answer: Decoded): void {
    if (!this.open.delete(answer.tid.toString('latin1'))) return;
    const text = answer.text(attr.nonce);
    if (text !== undefined) this.nonce = this.#issued.get(text) ?? this.nonce;
  }
}
