// A client of a lab: sends raw bytes, reads raw answers, and knows the long-term credential dance well enough for
// tests to start from an allocation.

import { type TransportAddress, TransportWords } from '../../src/stun/transport-address.ts';
import { ClientEndpoint } from '../../src/turn/client-endpoint.ts';
import type { Engine } from '../../src/turn/engine.ts';
import { type ClientLink, HEADER_ROOM } from '../../src/turn/env.ts';
import type { Transport } from '../../src/turn/transport.ts';
import { REALM, settle, USERS } from './lab.ts';
import { type AttributeInput, attr, channelData, type Decoded, decode, type MessageInput, message } from './wire.ts';
import {
  channelNumber,
  data,
  longTermKey,
  nonce,
  realm,
  requestedTransport,
  username,
  xorPeerAddress,
} from './wire-attributes.ts';

export interface LabClientOptions {
  readonly transport?: Transport;
  /** `ip:port`; one of its own by default. */
  readonly address?: string;
  /** The server's transport address that is used. */
  readonly server?: string;
  readonly user?: string;
  readonly password?: string;
}

/** Message types of requests by name. */
export const REQUEST = {
  binding: 0x0001,
  allocate: 0x0003,
  refresh: 0x0004,
  createPermission: 0x0008,
  channelBind: 0x0009,
} as const;

/** One five-tuple. A fresh UDP client reaches the engine through a scratch endpoint, as on a real listener. */
export class LabClient implements ClientLink {
  readonly address: TransportAddress;
  readonly user: string;
  readonly key: Buffer;
  /** The last nonce that the server gave. */
  nonce = '';
  readonly received: Buffer[] = [];
  readonly #engine: Engine;
  readonly #scratch: ClientEndpoint;
  /** Whether it comes over a stream, where ChannelData is padded. */
  readonly stream: boolean;
  #endpoint: ClientEndpoint | null = null;

  constructor(engine: Engine, address: TransportAddress, server: TransportAddress, options: LabClientOptions) {
    this.#engine = engine;
    this.address = address;
    this.user = options.user ?? 'alice';
    this.key = longTermKey(this.user, REALM, options.password ?? USERS.get(this.user) ?? 'no such user');
    this.#scratch = new ClientEndpoint(this, options.transport ?? 'udp', server);
    this.stream = this.#scratch.stream;
    if (this.stream) {
      this.#scratch.source.set(address);
      this.#endpoint = this.#scratch;
    }
  }

  /** Whether the server keeps anything for this five-tuple. */
  get retained(): boolean {
    return this.#endpoint !== null;
  }

  /** The allocation on this five-tuple, as the engine holds it. */
  get allocation() {
    return this.#endpoint?.allocation ?? null;
  }

  /** Sends a datagram (or a frame). The buffer and the scratch endpoint are overwritten afterwards. */
  send(bytes: Buffer): void;
  send(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void;
  send(first: Buffer | ClientEndpoint, buffer?: Buffer, start?: number, end?: number): void {
    if (first instanceof ClientEndpoint) this.received.push(Buffer.from((buffer as Buffer).subarray(start, end)));
    else this.#toServer(first);
  }

  /** Sends a datagram as if from the `stranger`-th of many million sources. What comes back is received here. */
  sendFrom(stranger: number, bytes: Buffer): void {
    const { source } = this.#scratch;
    source.family = 4;
    source.w3 = 0x0b00_0000 + Math.imul(stranger, 257);
    source.port = 1024 + (stranger % 60_000);
    this.#engine.fromClient(this.#scratch, bytes, 0, bytes.length);
  }

  #toServer(bytes: Buffer): void {
    const room = Buffer.alloc(bytes.length + 32, 0xa5);
    bytes.copy(room, 16);
    const endpoint = this.#endpoint ?? this.#scratch;
    if (endpoint === this.#scratch) endpoint.source.set(this.address);
    this.#engine.fromClient(endpoint, room, 16, 16 + bytes.length);
    room.fill(0xee);
    if (endpoint === this.#scratch && !this.stream) this.#scratch.source.copyFrom(new TransportWords());
  }

  /** Sends bytes and returns what came back: one answer, or null for silence. More than one answer is an error. */
  async exchange(bytes: Buffer): Promise<Decoded | null> {
    const before = this.received.length;
    this.send(bytes);
    await settle();
    await settle();
    const answers = this.received.splice(before);
    if (answers.length > 1) throw new Error(`${answers.length} answers to one message`);
    return answers[0] === undefined ? null : decode(answers[0]);
  }

  /** The attributes by which a request authenticates. */
  credentials(): AttributeInput[] {
    return [username(this.user), realm(REALM), nonce(this.nonce)];
  }

  /** A signed request of this type with these attributes in front. */
  signed(type: number, attrs: readonly AttributeInput[], more: Partial<MessageInput> = {}): Buffer {
    return message({ type, attrs: [...attrs, ...this.credentials()], key: this.key, ...more });
  }

  /** Sends a signed request, taking a challenge first if there is no nonce yet. Throws on silence. */
  async request(type: number, attrs: readonly AttributeInput[], more: Partial<MessageInput> = {}): Promise<Decoded> {
    if (this.nonce === '') await this.challenge();
    return this.must(await this.exchange(this.signed(type, attrs, more)));
  }

  /** Asks for a challenge and keeps its nonce. */
  async challenge(): Promise<Decoded> {
    const answer = this.must(await this.exchange(message({ type: REQUEST.allocate, attrs: [requestedTransport()] })));
    this.nonce = answer.text(attr.nonce) ?? '';
    return answer;
  }

  /** A signed Allocate for UDP. */
  allocate(attrs: readonly AttributeInput[] = [], more: Partial<MessageInput> = {}): Promise<Decoded> {
    return this.request(REQUEST.allocate, [requestedTransport(), ...attrs], more);
  }

  /** Allocates, throws unless that succeeds, and returns the relayed address. */
  async allocated(attrs: readonly AttributeInput[] = []): Promise<string> {
    const answer = await this.allocate(attrs);
    const relayed = answer.xorAddress(attr.xorRelayedAddress);
    if (relayed === undefined) throw new Error(`no allocation: ${answer.errorCode}`);
    return relayed;
  }

  /** CreatePermission for peers given as `ip` or `ip:port`. */
  permit(...peers: readonly string[]): Promise<Decoded> {
    return this.request(
      REQUEST.createPermission,
      peers.map((peer) => peerAddress(peer)),
    );
  }

  /** ChannelBind of a number to a peer `ip:port`. */
  bind(number: number, peer: string): Promise<Decoded> {
    return this.request(REQUEST.channelBind, [channelNumber(number), peerAddress(peer)]);
  }

  /** A Send indication to a peer `ip:port`. */
  sendTo(peer: string, payload: string | Buffer, attrs: readonly AttributeInput[] = []): void {
    this.send(message({ type: 0x0016, attrs: [peerAddress(peer), data(payload), ...attrs] }));
  }

  /** ChannelData. */
  sendChannel(number: number, payload: string | Buffer): void {
    this.send(channelData(number, Buffer.from(payload), { pad: this.stream }));
  }

  /** Everything received since the last call. */
  take(): Buffer[] {
    return this.received.splice(0);
  }

  /** The connection closes. */
  close(): void {
    if (this.#endpoint !== null) this.#engine.endpointClosed(this.#endpoint);
  }

  must(answer: Decoded | null): Decoded {
    if (answer === null) throw new Error('no answer');
    return answer;
  }

  // ClientLink, the engine's side.

  header(): Buffer {
    return Buffer.alloc(HEADER_ROOM, 0xa5);
  }

  sendRelayed(
    _endpoint: ClientEndpoint,
    header: Buffer,
    headerEnd: number,
    buffer: Buffer,
    start: number,
    end: number,
    padding: number,
  ): void {
    const parts = [header.subarray(0, headerEnd), buffer.subarray(start, end), Buffer.alloc(padding)];
    this.received.push(Buffer.concat(parts));
  }

  retain(endpoint: ClientEndpoint): ClientEndpoint {
    if (this.#endpoint === null) {
      this.#endpoint = endpoint.copy();
      this.#endpoint.source.set(this.address);
    }
    return this.#endpoint;
  }

  find(_endpoint: ClientEndpoint): ClientEndpoint | null {
    return this.#endpoint;
  }

  release(_endpoint: ClientEndpoint): void {
    if (!this.stream) this.#endpoint = null;
  }
}

/** XOR-PEER-ADDRESS of `ip`, `ip:port` or `[ip]:port`. */
export function peerAddress(text: string): AttributeInput {
  const bracketed = /^\[(.+)\]:(\d+)$/.exec(text) ?? /^([\d.]+):(\d+)$/.exec(text);
  return bracketed === null ? xorPeerAddress(text, 0) : xorPeerAddress(bracketed[1] ?? '', Number(bracketed[2]));
}
