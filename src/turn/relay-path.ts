// The packet path: ChannelData and Send from clients, datagrams from peers. Synchronous; allocates nothing, logs
// nothing, waits for nothing. Payloads are slices of the receive buffer and are never copied here.

import { Attribute } from '../stun/attributes.ts';
import { CHANNEL_HEADER_LENGTH, channelPayloadEnd, writeChannelHeader } from '../stun/channel-data.ts';
import type { IpAddress } from '../stun/ip-address.ts';
import { ABSENT, type MessageView, padded } from '../stun/message-view.ts';
import { MessageWriter } from '../stun/message-writer.ts';
import { MessageClass, Method, messageType, TRANSACTION_ID_LENGTH } from '../stun/methods.ts';
import { readXorAddress } from '../stun/readers.ts';
import { TransportWords } from '../stun/transport-address.ts';
import { readHalf, readWord, writeWord } from '../stun/words.ts';
import type { Relay } from './allocation.ts';
import type { ClientEndpoint } from './client-endpoint.ts';
import type { EngineCounters } from './counters.ts';
import { DropReason } from './drop-reason.ts';
import type { Clock, Env, PlaneCapabilities, RelayNeighbours } from './env.ts';
import { errorDataOf, isTold } from './icmp-error.ts';
import type { PeerAccess } from './peer-access.ts';
import type { Permission } from './permission.ts';
import { Direction } from './rate-meter.ts';

const DATA_INDICATION = messageType(Method.DATA, MessageClass.INDICATION);

// What the 16-bit length of a Data indication leaves for the DATA value with its padding: 65,532 bytes of attributes
// less XOR-PEER-ADDRESS and the header of DATA. Any IPv4 datagram fits; the largest of IPv6 do not.
const MAX_DATA_FROM_IPV4 = 0xfffc - 12 - 4;
const MAX_DATA_FROM_IPV6 = 0xfffc - 24 - 4;

/** Moves data between clients and peers. One per engine. */
export class RelayPath {
  readonly #clock: Clock;
  readonly #capabilities: PlaneCapabilities;
  readonly #neighbours: RelayNeighbours | null;
  readonly #access: PeerAccess;
  readonly #counters: EngineCounters;
  readonly #writer: MessageWriter = new MessageWriter();
  readonly #peer: TransportWords = new TransportWords();
  readonly #crossing: TransportWords = new TransportWords();
  // Indications need no unpredictable transaction ID, only a fresh one: a random start, then counted.
  readonly #transactionId: Buffer = Buffer.alloc(TRANSACTION_ID_LENGTH);

  constructor(env: Env, access: PeerAccess, counters: EngineCounters) {
    this.#clock = env.clock;
    this.#capabilities = env.capabilities;
    this.#neighbours = env.neighbours;
    this.#access = access;
    this.#counters = counters;
    env.random.fill(this.#transactionId);
  }

  /** ChannelData `buffer[start, end)` from a client (RFC 8656 §12.6). */
  channelData(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void {
    const { allocation } = endpoint;
    if (allocation === null) return this.#counters.drop(DropReason.NO_ALLOCATION);
    const payloadEnd = channelPayloadEnd(buffer, start, end);
    if (payloadEnd < 0) return this.#counters.drop(DropReason.BAD_CHANNEL_DATA);
    const channel = allocation.channels.get(readHalf(buffer, start));
    const now = this.#clock.now();
    if (channel === undefined || !channel.isLive(now) || !channel.relay.isLive(now)) {
      return this.#counters.drop(DropReason.UNBOUND_CHANNEL);
    }
    const payload = start + CHANNEL_HEADER_LENGTH;
    if (!this.#toPeer(channel.relay, channel.permission, channel.port, buffer, payload, payloadEnd, false)) return;
    channel.packetsToPeer++;
    channel.bytesToPeer += payloadEnd - payload;
  }

  /** A Send indication from a client (RFC 8656 §11.2). Never answered, and never makes or extends a permission. */
  send(endpoint: ClientEndpoint, view: MessageView): void {
    const { allocation } = endpoint;
    if (allocation === null) return this.#counters.drop(DropReason.NO_ALLOCATION);
    if (!this.#readSend(view)) return this.#counters.drop(DropReason.BAD_INDICATION);
    const permission = allocation.permissions.find(this.#peer);
    const relay = allocation.relay(this.#peer.family);
    const now = this.#clock.now();
    if (relay === null || !relay.isLive(now) || permission === null || !permission.isLive(now)) {
      return this.#counters.drop(DropReason.NO_PERMISSION_TO_PEER);
    }
    const data = view.find(Attribute.DATA);
    const end = data + view.lengthAt(data);
    this.#toPeer(relay, permission, this.#peer.port, view.buffer, data, end, this.#isWhole(endpoint, view));
  }

  // DONT-FRAGMENT that cannot be honoured counts as unknown: the indication is dropped (RFC 8656 §11.2).
  #readSend(view: MessageView): boolean {
    const peer = view.find(Attribute.XOR_PEER_ADDRESS);
    if (peer === ABSENT || !view.has(Attribute.DATA) || view.unknownCount > 0) return false;
    if (view.has(Attribute.DONT_FRAGMENT) && !this.#capabilities.dontFragment) return false;
    return readXorAddress(view, peer, this.#peer) && this.#peer.port !== 0;
  }

  // Whether the datagram must go whole, with DF set. Where IPv6 has a part in UDP to UDP, DONT-FRAGMENT is ignored (RFC
  // 8656 §13); behind a stream the client's family is no matter (§15).
  #isWhole(endpoint: ClientEndpoint, view: MessageView): boolean {
    if (this.#peer.family !== 4 || !view.has(Attribute.DONT_FRAGMENT)) return false;
    return endpoint.stream || endpoint.source.family === 4;
  }

  // Sends to a peer: true unless it may not be reached, or not now.
  #toPeer(
    relay: Relay,
    permission: Permission,
    port: number,
    buffer: Buffer,
    start: number,
    end: number,
    dontFragment: boolean,
  ): boolean {
    const { meter } = relay.allocation;
    if (meter !== null && !meter.allow(Direction.TO_PEER, end - start, this.#clock.now())) {
      relay.allocation.overRateToPeer++;
      this.#counters.drop(DropReason.OVER_RATE);
      return false;
    }
    const { peer } = permission;
    if (permission.own) {
      if (this.#toRelay(relay, peer, port, buffer, start, end)) return true;
      // Nothing else on this host is a peer (SECURITY: own addresses are judged per datagram, by IP and port).
      if (!this.#access.mayLeave(peer, port)) {
        this.#counters.peerDenied++;
        this.#counters.drop(DropReason.PEER_DENIED);
        return false;
      }
    }
    this.#countToPeer(relay, end - start);
    relay.socket.send(peer, port, buffer, start, end, dontFragment);
    return true;
  }

  // Across to another allocation of this server without leaving its host: that works behind any NAT, and whatever range
  // the relay addresses lie in. False if there is no live relay at that address.
  #toRelay(relay: Relay, peer: IpAddress, port: number, buffer: Buffer, start: number, end: number): boolean {
    const other = this.#access.liveRelay(peer, port);
    if (other !== null) {
      this.#countToPeer(relay, end - start);
      this.#counters.packetsCrossed++;
      this.#crossing.set(relay.relayed);
      other.fromPeer(this.#crossing, buffer, start, end);
      return true;
    }
    const hidden = this.#access.neighbourAt(peer, port);
    if (hidden === null) return false;
    this.#countToPeer(relay, end - start);
    this.#counters.packetsToNeighbours++;
    relay.socket.send(hidden, port, buffer, start, end, false);
    return true;
  }

  #countToPeer(relay: Relay, bytes: number): void {
    const { counters } = relay.allocation;
    counters.packetsToPeer++;
    counters.bytesToPeer += bytes;
    relay.packetsToPeer++;
    relay.bytesToPeer += bytes;
    this.#counters.packetsToPeer++;
    this.#counters.bytesToPeer += bytes;
  }

  /** A datagram `buffer[start, end)` from a peer to a relayed address (RFC 8656 §11.3, §12.5). */
  fromPeer(relay: Relay, source: TransportWords, buffer: Buffer, start: number, end: number): void {
    const { allocation } = relay;
    const now = this.#clock.now();
    if (this.#neighbours !== null) this.#neighbours.toShown(source);
    const permission = this.#permissionOf(relay, source, now);
    if (permission === null) return this.#counters.drop(DropReason.NO_PERMISSION_FROM_PEER);
    const length = end - start;
    const { endpoint, meter } = allocation;
    if (meter !== null && !meter.allow(Direction.TO_CLIENT, length, now)) {
      allocation.overRateToClient++;
      return this.#counters.drop(DropReason.OVER_RATE_TO_CLIENT);
    }
    const header = endpoint.link.header();
    const channel = permission.channelAt(source.port);
    if (channel?.isLive(now)) {
      const headerEnd = writeChannelHeader(header, 0, channel.number, length);
      const padding = endpoint.stream ? padded(length) - length : 0;
      channel.packetsToClient++;
      channel.bytesToClient += length;
      endpoint.link.sendRelayed(endpoint, header, headerEnd, buffer, start, end, padding);
    } else {
      const most = source.family === 6 ? MAX_DATA_FROM_IPV6 : MAX_DATA_FROM_IPV4;
      if (length > most) return this.#counters.drop(DropReason.TOO_BIG);
      const padding = this.#writeDataHead(header, source, length);
      endpoint.link.sendRelayed(endpoint, header, this.#writer.end, buffer, start, end, padding);
    }
    allocation.counters.packetsToClient++;
    allocation.counters.bytesToClient += length;
    relay.packetsToClient++;
    relay.bytesToClient += length;
    this.#counters.packetsToClient++;
    this.#counters.bytesToClient += length;
  }

  /**
   * An ICMP error for what was sent to `peer`: a Data indication without DATA, whether or not a channel is bound (RFC 8656
   * §11.5, §12.5). The permission is asked for the address that the client sent to, not for the router that complained.
   */
  fromPeerError(relay: Relay, peer: TransportWords, icmpType: number, icmpCode: number, data: number): void {
    if (!isTold(peer.family, icmpType)) return this.#counters.drop(DropReason.ICMP_TYPE);
    if (this.#neighbours !== null) this.#neighbours.toShown(peer);
    const permission = this.#permissionOf(relay, peer, this.#clock.now());
    if (permission === null) return this.#counters.drop(DropReason.ICMP_NO_PERMISSION);
    const { endpoint } = relay.allocation;
    const header = endpoint.link.header();
    this.#beginData(header, peer);
    this.#writer.icmp(icmpType, icmpCode, errorDataOf(peer.family, icmpType, icmpCode, data));
    this.#counters.errorsToClient++;
    // As relayed data, without a payload: a slow reader misses it, where a response that finds no room costs the stream.
    const { end } = this.#writer;
    endpoint.link.sendRelayed(endpoint, header, end, header, end, end, 0);
  }

  // The live permission by which a peer at `source` may be heard of, or null. A channel does not replace it: it may lapse
  // while the channel lives (RFC 8656 §9, §12.1).
  #permissionOf(relay: Relay, source: TransportWords, now: number): Permission | null {
    const { allocation } = relay;
    const permission = allocation.permissions.find(source);
    if (permission === null || !permission.isLive(now) || !relay.isLive(now)) return null;
    return permission;
  }

  // The head of a Data indication up to the DATA value. Returns the padding.
  #writeDataHead(header: Buffer, source: TransportWords, length: number): number {
    this.#beginData(header, source);
    return this.#writer.dataHeader(length);
  }

  // A Data indication carries no authentication (RFC 8656 §5).
  #beginData(buffer: Buffer, source: TransportWords): void {
    const id = this.#transactionId;
    writeWord(id, 8, readWord(id, 8) + 1);
    this.#writer.begin(buffer, 0, DATA_INDICATION, id, 0);
    this.#writer.xorWords(Attribute.XOR_PEER_ADDRESS, source);
  }
}
