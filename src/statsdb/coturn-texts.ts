// The keys, channels and values of coturn's redis-statsdb, letter by letter: programs read them. Pure.

/** How clients reach coturn, in its words. */
export type PublishedTransport = 'UDP' | 'TCP' | 'TLS/TCP' | 'DTLS';

/** One allocation as it is published. */
export interface PublishedAllocation {
  /** A decimal number, unique among the servers that share the Redis; published with at least 18 digits. */
  readonly id: string;
  /** Empty: none. */
  readonly realm: string;
  readonly user: string;
  readonly transport: PublishedTransport;
  /** `192.0.2.1:3478` or `[2001:db8::1]:3478`: where the client reached the server. */
  readonly local: string;
  /** The client's transport address, written alike. */
  readonly remote: string;
  /** As OpenSSL says it, `TLSv1.3`; empty = in the clear. */
  readonly tlsMethod: string;
  /** As OpenSSL says it, `TLS_AES_256_GCM_SHA384`; empty = in the clear. */
  readonly tlsCipher: string;
}

/** What went through an allocation since it was made. coturn counts requests, answers and headers of its client too. */
export interface PublishedTraffic {
  readonly packetsFromClient: number;
  readonly bytesFromClient: number;
  readonly packetsToClient: number;
  readonly bytesToClient: number;
  readonly packetsFromPeers: number;
  readonly bytesFromPeers: number;
  readonly packetsToPeers: number;
  readonly bytesToPeers: number;
}

/** Nothing yet. */
export const NO_TRAFFIC: PublishedTraffic = Object.freeze({
  packetsFromClient: 0,
  bytesFromClient: 0,
  packetsToClient: 0,
  bytesToClient: 0,
  packetsFromPeers: 0,
  bytesFromPeers: 0,
  packetsToPeers: 0,
  bytesToPeers: 0,
});

/** Finds the statuses of all allocations, of every server, as coturn does. */
export const STATUS_PATTERN = 'turn/*/allocation/*/status';

const ID_DIGITS = 18;
const IN_THE_CLEAR = 'NONE';

/** A channel of an allocation; `status` is a key too. */
export function channelOf(
  { id, realm, user }: PublishedAllocation,
  name: 'status' | 'traffic' | 'traffic/peer' | 'total_traffic' | 'total_traffic/peer',
): string {
  const scope = realm === '' ? 'turn' : `turn/realm/${realm}`;
  return `${scope}/user/${user}/allocation/${id.padStart(ID_DIGITS, '0')}/${name}`;
}

/** The status of an allocation that lives. `lifetime` in seconds. */
export function statusText(event: 'new' | 'refreshed', allocation: PublishedAllocation, lifetime: number): string {
  const { transport, local, remote, tlsMethod, tlsCipher } = allocation;
  const where = `type=${transport}, local=${local}, remote=${remote}`;
  return `${event} lifetime=${lifetime}, ${where}, ssl=${tlsMethod || IN_THE_CLEAR}, cipher=${tlsCipher || IN_THE_CLEAR}`;
}

/** The status of one that is no more. */
export const DELETED_TEXT = 'deleted';

/** What went between server and client. */
export function clientTrafficText(traffic: PublishedTraffic): string {
  const { packetsFromClient, bytesFromClient, packetsToClient, bytesToClient } = traffic;
  return trafficText([packetsFromClient, bytesFromClient, packetsToClient, bytesToClient]);
}

/** What went between server and peers. */
export function peerTrafficText(traffic: PublishedTraffic): string {
  const { packetsFromPeers, bytesFromPeers, packetsToPeers, bytesToPeers } = traffic;
  return trafficText([packetsFromPeers, bytesFromPeers, packetsToPeers, bytesToPeers]);
}

function trafficText([rcvp, rcvb, sentp, sentb]: readonly [number, number, number, number]): string {
  return `rcvp=${rcvp}, rcvb=${rcvb}, sentp=${sentp}, sentb=${sentb}`;
}

/** What was added since. */
export function subtractTraffic(now: PublishedTraffic, before: PublishedTraffic): PublishedTraffic {
  return {
    packetsFromClient: now.packetsFromClient - before.packetsFromClient,
    bytesFromClient: now.bytesFromClient - before.bytesFromClient,
    packetsToClient: now.packetsToClient - before.packetsToClient,
    bytesToClient: now.bytesToClient - before.bytesToClient,
    packetsFromPeers: now.packetsFromPeers - before.packetsFromPeers,
    bytesFromPeers: now.bytesFromPeers - before.bytesFromPeers,
    packetsToPeers: now.packetsToPeers - before.packetsToPeers,
    bytesToPeers: now.bytesToPeers - before.bytesToPeers,
  };
}

/** Packets of all four ways. */
export function countPackets(traffic: PublishedTraffic): number {
  return traffic.packetsFromClient + traffic.packetsToClient + traffic.packetsFromPeers + traffic.packetsToPeers;
}
