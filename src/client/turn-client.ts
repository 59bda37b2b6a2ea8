// A TURN client on one path: Binding, an allocation with its permissions and channels, and the data that passes
// (RFC 8656). It opens no path and retries nowhere else: see open-allocation.ts. Nor does it keep anything alive by itself:
// see keep-alive.ts.

import { randomBytes } from 'node:crypto';
import { Attribute } from '../stun/attributes.ts';
import { CHANNEL_HEADER_LENGTH, channelPayloadEnd, writeChannelHeader } from '../stun/channel-data.ts';
import { classify, PacketKind } from '../stun/classify.ts';
import type { IpAddress, IpFamily } from '../stun/ip-address.ts';
import { type MessageView, padded } from '../stun/message-view.ts';
import { MessageClass, Method, TRANSACTION_ID_LENGTH } from '../stun/methods.ts';
import { copyBytes, copyText, readLifetime } from '../stun/readers.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { LongTermCredential } from './challenge.ts';
import { ChannelBook } from './channel-book.ts';
import { ClientError } from './client-error.ts';
import { PROTOCOL_UDP, type RequestFields, writeSendIndication } from './request-message.ts';
import { Requester } from './requester.ts';
import { copyMessage, mappedAddressOf, xorAddressOf } from './response.ts';
import { ServerMemory } from './server-memory.ts';
import type { Timers } from './timers.ts';
import { type Answered, type TransactionPacing, Transactions } from './transaction.ts';
import type { ClientTransport, TransportListener } from './transport.ts';

// What a UDP datagram holds beside the headers of IPv4, UDP and Send.
const MAX_DATA_LENGTH = 65_400;

/** What a client is made of beside its path. */
export interface TurnClientOptions {
  /** Null for servers without authentication, and for STUN. */
  readonly credential: LongTermCredential | null;
  readonly timers: Timers;
  readonly pacing?: TransactionPacing;
  /** Shared by clients of one program; one of its own when absent. */
  readonly memory?: ServerMemory;
}

/** What a Binding told. */
export interface BindingResult {
  readonly mapped: TransportAddress;
  readonly rttMs: number;
  readonly transmissions: number;
  /** The server's name for itself: foreign text, or null. */
  readonly software: string | null;
}

/** What an Allocate asks for. */
export interface AllocateOptions {
  /** Seconds; the server's choice when absent. */
  readonly lifetime?: number;
  /** The relay's family; absent means IPv4 (RFC 8656 §7.1). */
  readonly family?: IpFamily;
  /** Protocol number of REQUESTED-TRANSPORT; UDP when absent. */
  readonly protocol?: number;
}

/** What an Allocate gave. */
export interface AllocateResult {
  readonly relayed: TransportAddress;
  /** Our address as the server sees it; null when it does not tell. */
  readonly mapped: TransportAddress | null;
  /** Seconds. */
  readonly lifetime: number;
  readonly software: string | null;
}

/** Told of data from a peer; the bytes are the receiver's to keep. `channel` is null when a Data indication brought it. */
export type OnPeerData = (peer: TransportAddress, data: Buffer, channel: number | null) => void;

/** A client on one open path; it owns the path. */
export class TurnClient implements TransportListener {
  readonly transport: ClientTransport;
  readonly memory: ServerMemory;
  readonly timers: Timers;
  onPeerData: OnPeerData = () => {};
  /** Told of the end of a stream, and of ICMP errors. */
  onPathError: (error: ClientError) => void = () => {};
  readonly #transactions: Transactions;
  readonly #requester: Requester;
  readonly #channels = new ChannelBook();
  readonly #permissions = new Map<string, IpAddress>();
  readonly #bound = new Map<number, TransportAddress>();
  #lifetime = 0;

  constructor(transport: ClientTransport, options: TurnClientOptions) {
    this.transport = transport;
    this.timers = options.timers;
    this.memory = options.memory ?? new ServerMemory();
    this.#transactions = new Transactions(transport, options.timers, options.pacing);
    this.#requester = new Requester(this.#transactions, options.credential);
    transport.listen(this);
  }

  /** Seconds of the allocation as last granted; 0 without one. */
  get lifetime(): number {
    return this.#lifetime;
  }

  /** Addresses with a permission. */
  get permissions(): readonly IpAddress[] {
    return [...this.#permissions.values()];
  }

  /** Channels that were bound, with their peers. */
  get channels(): ReadonlyMap<number, TransportAddress> {
    return this.#bound;
  }

  /** Whether requests are signed with SHA-256; null until the server has challenged. */
  get usesSha256(): boolean | null {
    const { authentication } = this.#requester;
    return authentication === null ? null : authentication.integrity === Attribute.MESSAGE_INTEGRITY_SHA256;
  }

  /** Asks for our mapped address (RFC 8489 §12). */
  async binding(): Promise<BindingResult> {
    const { value, rttMs, transmissions } = await this.#requester.askPlainly('Binding', Method.BINDING);
    const mapped = mappedAddressOf(value);
    if (mapped === null) throw new ClientError('protocol', 'the Binding response has no mapped address');
    return { mapped, rttMs, transmissions, software: copyText(value, Attribute.SOFTWARE) };
  }

  /** Makes the allocation (RFC 8656 §7). */
  async allocate(options: AllocateOptions = {}): Promise<AllocateResult> {
    const { value } = await this.#ask('Allocate', Method.ALLOCATE, { protocol: PROTOCOL_UDP, ...options });
    const relayed = xorAddressOf(value, Attribute.XOR_RELAYED_ADDRESS);
    if (relayed === null) throw new ClientError('protocol', 'the Allocate response has no relayed address');
    const lifetime = Math.max(readLifetime(value), 0);
    this.#lifetime = lifetime;
    return { relayed, mapped: mappedAddressOf(value), lifetime, software: copyText(value, Attribute.SOFTWARE) };
  }

  /** Prolongs the allocation by `lifetime` seconds; 0 ends it. Returns the seconds granted (RFC 8656 §8). */
  async refresh(lifetime?: number): Promise<number> {
    const { value } = await this.#ask('Refresh', Method.REFRESH, lifetime === undefined ? {} : { lifetime });
    this.#lifetime = Math.max(readLifetime(value), 0);
    return this.#lifetime;
  }

  /** Installs or renews permissions, all or none (RFC 8656 §10). */
  async createPermission(...ips: readonly IpAddress[]): Promise<void> {
    const peers = ips.map((ip) => ({ ip, port: 0 }));
    await this.#ask(`CreatePermission for ${ips.join(', ')}`, Method.CREATE_PERMISSION, { peers });
    for (const ip of ips) this.#permissions.set(ip.text, ip);
  }

  /**
   * Binds a channel to a peer, or renews the binding, and returns its number. Rejects with `wait` when the number or the
   * peer must rest first (RFC 8656 §12).
   */
  async bindChannel(peer: TransportAddress, wish?: number): Promise<number> {
    const channel = this.#channels.choose(peer, this.timers.now(), wish);
    // From here on the server may have bound it, whether its answer comes or not.
    this.#channels.bound(channel, peer, this.timers.now());
    await this.#ask(`ChannelBind to ${peer.text}`, Method.CHANNEL_BIND, { channel, peers: [peer] });
    this.#channels.bound(channel, peer, this.timers.now());
    this.#bound.set(channel, peer);
    return channel;
  }

  /** Asks for a TCP connection to a peer (RFC 6062 §4.3). Rejects with `wait` within ten seconds of a 447. */
  async connectPeer(peer: TransportAddress): Promise<Buffer> {
    const what = `Connect to ${peer.text}`;
    this.memory.check(what, this.timers.now());
    try {
      const { value } = await this.#ask('Connect', Method.CONNECT, { peers: [peer] });
      return copyBytes(value, Attribute.CONNECTION_ID) ?? Buffer.alloc(0);
    } catch (error) {
      if (error instanceof ClientError) this.memory.refused(what, error.errorCode, this.timers.now());
      throw error;
    }
  }

  /**
   * Sends data to a peer: on its channel where one is bound, else in a Send indication. Never throws; data that fits into
   * no datagram is dropped, as the network would.
   */
  send(peer: TransportAddress, data: Uint8Array): void {
    if (data.length > MAX_DATA_LENGTH) return;
    const channel = this.#bound.size === 0 ? null : this.#channels.channelOf(peer, this.timers.now());
    if (channel !== null) this.transport.send(this.#channelData(channel, data));
    else this.transport.send(writeSendIndication(randomBytes(TRANSACTION_ID_LENGTH), peer, data));
  }

  /** Ends everything on this path without asking the server; idempotent. */
  async close(): Promise<void> {
    this.#transactions.failAll(new ClientError('closed', 'the client was closed'));
    await this.transport.close();
  }

  onFrame(buffer: Buffer, start: number, end: number): void {
    const kind = end > start ? classify(buffer[start] as number) : PacketKind.OTHER;
    if (kind === PacketKind.CHANNEL_DATA) this.#onChannelData(buffer, start, end);
    if (kind !== PacketKind.STUN) return;
    const view = copyMessage(buffer, start, end);
    if (view === null) return;
    if (view.messageClass === MessageClass.INDICATION) this.#onIndication(view);
    else if (view.messageClass !== MessageClass.REQUEST) this.#transactions.offer(view);
  }

  onError(error: ClientError): void {
    this.#transactions.failAll(error);
    this.onPathError(error);
  }

  #ask(what: string, method: Method, fields: RequestFields): Promise<Answered<MessageView>> {
    return this.#requester.ask(what, method, fields);
  }

  // Streams pad to 32 bits (RFC 8656 §12.5).
  #channelData(channel: number, data: Uint8Array): Buffer {
    const length = this.transport.isReliable ? padded(data.length) : data.length;
    const message = Buffer.alloc(CHANNEL_HEADER_LENGTH + length);
    message.set(data, writeChannelHeader(message, 0, channel, data.length));
    return message;
  }

  #onChannelData(buffer: Buffer, start: number, end: number): void {
    const payloadEnd = channelPayloadEnd(buffer, start, end);
    if (payloadEnd < 0) return;
    const channel = buffer.readUInt16BE(start);
    const peer = this.#channels.peerOf(channel, this.timers.now());
    if (peer === null) return;
    this.onPeerData(peer, Buffer.from(buffer.subarray(start + CHANNEL_HEADER_LENGTH, payloadEnd)), channel);
  }

  #onIndication(view: MessageView): void {
    if (view.method !== Method.DATA) return;
    const peer = xorAddressOf(view, Attribute.XOR_PEER_ADDRESS);
    const data = copyBytes(view, Attribute.DATA);
    if (peer !== null && data !== null) this.onPeerData(peer, data, null);
  }
}
