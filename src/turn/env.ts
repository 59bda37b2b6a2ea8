// What the engine needs from outside, as interfaces: time, randomness, relay sockets, clients' links, credentials,
// policy, quota and an observer. Everything outside implements these; nothing here knows who does.

import type { IpAddress, IpFamily } from '../stun/ip-address.ts';
import type { TransportAddress, TransportWords } from '../stun/transport-address.ts';
import type { Allocation, Relay } from './allocation.ts';
import type { Channel } from './channel.ts';
import type { ClientEndpoint } from './client-endpoint.ts';
import type { Grant } from './grant.ts';
import type { LoginBrake } from './login-brake.ts';
import type { PeerRule } from './peers/peer-policy.ts';
import type { Permission } from './permission.ts';
import type { RateMemory, RateRefusal } from './rate-meter.ts';
import type { ReplyBudget } from './reply-budget.ts';

/** A value, or a promise of it where a look-up misses every cache. */
export type Awaitable<T> = T | Promise<T>;

/** Time, injected so that a test can own it. */
export interface Clock {
  /**
   * Monotonic milliseconds: every deadline is measured by it. Asked for every packet, so the engine's clock returns a
   * reading that it keeps: asking the system makes garbage.
   */
  now(): number;
  /** Unix time in milliseconds: for credential expiry and nonces only. It may jump. */
  wallTime(): number;
}

/** Unpredictable bytes. */
export interface Random {
  /** Fills `target` from a cryptographically secure source. */
  fill(target: Uint8Array): void;
}

/**
 * How bytes reach a client: a UDP listening socket for all of its endpoints, or one stream connection.
 * Nothing here throws or waits; what cannot be sent is dropped and counted by the link.
 */
export interface ClientLink {
  /** Sends a whole message `buffer[start, end)`. The link copies what it cannot send at once. */
  send(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void;
  /**
   * A buffer of at least {@link HEADER_ROOM} bytes into which the engine writes the head of a relayed message for the
   * next {@link sendRelayed}. The link rotates several, so that one still on its way is not overwritten.
   */
  header(): Buffer;
  /**
   * Sends `header[0, headerEnd)`, the payload `buffer[start, end)` and `padding` (0..3) zero bytes as one message.
   * The payload is not copied unless it must wait; its owner does not write to it again.
   */
  sendRelayed(
    endpoint: ClientEndpoint,
    header: Buffer,
    headerEnd: number,
    buffer: Buffer,
    start: number,
    end: number,
    padding: number,
  ): void;
  /**
   * The lasting endpoint for a five-tuple. A UDP listener hands out a reused scratch endpoint for unknown sources and
   * makes it last here; a connection returns its own. Called only once a request has been authenticated.
   */
  retain(endpoint: ClientEndpoint): ClientEndpoint;
  /**
   * The endpoint that is known for the five-tuple now, or null: for looking state up again after an `await`. A
   * connection returns its own even when it has closed, so that `closed` can be seen.
   */
  find(endpoint: ClientEndpoint): ClientEndpoint | null;
  /** The five-tuple has no allocation any more: the link may forget it. */
  release(endpoint: ClientEndpoint): void;
}

/** Room that {@link ClientLink.header} offers: a Data indication's head for an IPv6 peer is 48 bytes, one about an ICMP error 56. */
export const HEADER_ROOM = 64;

/** A socket bound to a relayed transport address. */
export interface RelaySocket {
  /** The address and port it is bound to: private where a NAT stands in front. */
  readonly local: TransportAddress;
  /** The address shown to clients and peers (XOR-RELAYED-ADDRESS). */
  readonly relayed: TransportAddress;
  /** Whose datagrams these are: {@link RelaySocketOwner.fromPeer} is called with each. Set once, before any arrives. */
  attach(owner: RelaySocketOwner): void;
  /**
   * Sends `buffer[start, end)` to a peer. Never throws or waits. The payload's owner does not write to it again.
   * @param dontFragment whether the datagram must go with DF set; true only where {@link PlaneCapabilities} say so, and
   *   only to IPv4 peers. Else DF is 0: the system may fragment (RFC 8656 §14, alternate behaviour)
   */
  send(peer: IpAddress, port: number, buffer: Buffer, start: number, end: number, dontFragment: boolean): void;
  /** Gives socket and port back. Idempotent. */
  close(): void;
}

/** What a relay socket reports to. */
export interface RelaySocketOwner {
  /** A datagram `buffer[start, end)` came from `source` (a scratch: valid during the call, which may write to it). */
  fromPeer(source: TransportWords, buffer: Buffer, start: number, end: number): void;
  /**
   * An ICMP error came for a UDP datagram that left through this socket (RFC 8656 §11.5). Any type may be reported: what
   * clients are told of is the engine's choice.
   * @param peer where the datagram was sent to (a scratch, as for {@link fromPeer}); port 0 if it is not known
   * @param data the next-hop MTU, or 0
   */
  fromPeerError(peer: TransportWords, icmpType: number, icmpCode: number, data: number): void;
}

/** Which port an allocation wants (RFC 8656 §7.2). */
export const PortRequest = {
  ANY: 0,
  /** An even port. */
  EVEN: 1,
  /** An even port N, with N+1 bound and held as well. */
  EVEN_AND_NEXT: 2,
} as const;
export type PortRequest = (typeof PortRequest)[keyof typeof PortRequest];

/** Relay sockets that were opened for one request. */
export interface OpenedRelay {
  readonly socket: RelaySocket;
  /** The socket on N+1, for {@link PortRequest.EVEN_AND_NEXT}; else null. */
  readonly reserved: RelaySocket | null;
}

/** Where relay sockets come from. */
export interface RelaySockets {
  /** Whether relayed addresses of this family are served. */
  serves(family: IpFamily): boolean;
  /** Binds a random free port of the family; null when none is free (or no descriptor is left). Never rejects. */
  open(family: IpFamily, request: PortRequest): Awaitable<OpenedRelay | null>;
}

/**
 * Ports N+1 that EVEN-PORT with R=1 set aside, until their tokens redeem them (RFC 8656 §7.2, §18.7, §18.10). Several
 * processes share theirs, for a token may come in by another one. Nothing here rejects.
 */
export interface ReservedPorts {
  /** How many are held for this process. */
  readonly size: number;
  /**
   * Whether a holder may have one more.
   * @param holder a {@link Credential.quotaKey}
   * @param limit how many it may have
   */
  mayHold(holder: string, limit: number): Awaitable<boolean>;
  /**
   * Holds `socket` for at least 30 s, takes it over and gives the 8-byte token for it. Null when it cannot be held: then
   * the socket is still the caller's, who closes it.
   * @param holder the quota key to count it against, or null
   */
  hold(socket: RelaySocket, holder: string | null): Awaitable<Buffer | null>;
  /** Gives the socket of a token (as hex) away; null for a token that is unknown, used or expired. */
  redeem(token: string): Awaitable<RelaySocket | null>;
  /** Gives back what was not redeemed in time. Called about once a second. */
  tick(): void;
  /** Gives everything back. */
  close(): void;
}

/**
 * What a plane can do with IP fields: the engine answers accordingly. All other fields are the plane's own choice among
 * the behaviours of RFC 8656 §13 to §16, and need no word from the engine.
 */
export interface PlaneCapabilities {
  /** Can set DF for a single datagram; else DONT-FRAGMENT is an unknown attribute (RFC 8656 §7.2 step 4, §11.2). */
  readonly dontFragment: boolean;
}

/** A key under which a message may be authentic, and whose it is. */
export interface Credential {
  /** The long-term MD5 key, 16 bytes. */
  readonly md5Key: Buffer;
  /** The long-term SHA-256 key, 32 bytes, or null where only the MD5 key is known. */
  readonly sha256Key: Buffer | null;
  /** USERNAME: the owner of the allocations made with it. */
  readonly username: string;
  /** The realm that the keys were made with. */
  readonly realm: string;
  /** What {@link Quota} counts: the user, or the user part of a time-limited name; null = not counted per user. */
  readonly quotaKey: string | null;
  /** How many allocations the quota key may hold, and as many reservations beside them; 0 = no limit. */
  readonly quotaLimit: number;
  /** How many allocations the realm may hold; 0 = no limit of its own. */
  readonly realmLimit: number;
  /** Unix milliseconds from which on it is void, where it has an end by itself. */
  readonly expiresAt?: number;
}

/** Why {@link Credentials.find} found nothing: for the log, never for the wire. */
export const NoCredential = {
  UNKNOWN_USER: 'unknown-user',
  EXPIRED: 'expired',
} as const;
export type NoCredential = (typeof NoCredential)[keyof typeof NoCredential];

/**
 * The sources of credentials, as one. A name may have several candidates (one per shared secret); the engine tries
 * each in turn.
 */
export interface Credentials {
  /** Candidates for USERNAME, or why there are none. A store's time-out resolves to `unavailable`. */
  find(username: string, realm: string): Awaitable<readonly Credential[] | NoCredential | 'unavailable'>;
  /** The username behind a USERHASH, or null (RFC 8489 §14.4). */
  usernameOf(userhash: Buffer, realm: string): Awaitable<string | null>;
}

/** The realms that are served beside the default one. They may change from one call to the next. */
export interface Realms {
  /** Whether there are none now: then nobody has to be asked. */
  readonly isEmpty: boolean;
  /** Whether credentials of this realm are accepted. */
  serves(realm: string): boolean;
  /** The realm for clients of this ORIGIN, or null for the default one. */
  ofOrigin(origin: string): string | null;
  /** What an allocation of the realm may relay each way; 0 = no limit, null = as configured. See `Engine.realmsChanged`. */
  bytesPerSecond(realm: string): number | null;
}

/** Which peers clients may reach, by address. Own addresses are {@link OwnAddresses}' business. */
export interface PeerAddressPolicy {
  /** The rule that refuses the address to clients of a realm (empty: who have none), or null. */
  check(ip: IpAddress, realm: string): PeerRule | null;
  /** The same for an address that this server shows in XOR-RELAYED-ADDRESS. */
  checkShown(ip: IpAddress, realm: string): PeerRule | null;
  /** Whether the operator has opened this very address (an allow rule for it alone, or the lab flag for loopback). */
  isOpened(ip: IpAddress): boolean;
}

/** Which addresses are this host's own (SECURITY.md §2.3 calls for judging them by IP and port). */
export interface OwnAddresses {
  /** Whether the address is one of this host: an interface's, an external or a relay address. */
  isOwn(ip: IpAddress): boolean;
  /** Whether the server shows this address in XOR-RELAYED-ADDRESS. */
  isShown(ip: IpAddress): boolean;
  /**
   * Whether the server itself talks to a service at this address, a database say (S36). Of an own address the port counts:
   * {@link isListener}.
   */
  isBackend(ip: IpAddress): boolean;
  /** Whether one of the server's own listeners, or a backend on this very host, is at this transport address. */
  isListener(ip: IpAddress, port: number): boolean;
}

/**
 * The live relayed addresses of the server's other processes. Clients of two processes reach each other through the
 * kernel: by the private address that a relay is bound to, for no NAT has to hairpin the one it is shown at. Asked for
 * every packet from or to an own address: nothing here throws, waits or makes garbage.
 */
export interface RelayNeighbours {
  /** The private address to send to where `ip`:`port` is a live relayed address that another process shows; else null. */
  privateOf(ip: IpAddress, port: number): IpAddress | null;
  /**
   * Rewrites in place a source that is the private address of another process's live relay to the address at which that
   * is shown. Leaves any other alone.
   */
  toShown(source: TransportWords): void;
}

/** What a quota counts an allocation against. */
export interface QuotaRequest {
  readonly credential: Credential | null;
  readonly client: IpAddress;
}

/** Counts allocations. */
export interface Quota {
  /** Takes one; null when that would exceed a limit. Never rejects. */
  acquire(request: QuotaRequest): Awaitable<Grant | null>;
  /** Gives one back: exactly once for each that was taken. */
  release(request: QuotaRequest): void;
}

/** Why an allocation ended. */
export const ReleaseReason = {
  DELETED: 'deleted',
  EXPIRED: 'expired',
  /** Its credential has run out, and expiry is strict. */
  CREDENTIAL_EXPIRED: 'credential-expired',
  MAX_SESSION_AGE: 'max-session-age',
  CONNECTION_CLOSED: 'connection-closed',
  ADMINISTRATIVE: 'administrative',
  SHUTDOWN: 'shutdown',
} as const;
export type ReleaseReason = (typeof ReleaseReason)[keyof typeof ReleaseReason];

/** Why a request failed to authenticate: for the log. */
export const AuthFailure = {
  UNKNOWN_USER: 'unknown-user',
  WRONG_PASSWORD: 'wrong-password',
  EXPIRED: 'expired',
  UNAVAILABLE: 'unavailable',
  /** Not even verified: too many have failed before. Told of once a minute for each source and user. */
  BRAKED: 'braked',
} as const;
export type AuthFailure = (typeof AuthFailure)[keyof typeof AuthFailure];

/**
 * Life events of the engine: for logs, metrics and forwarding tables. Never called per packet. Calls are contained:
 * an observer that throws disturbs nobody.
 */
export interface Observer {
  allocated(allocation: Allocation): void;
  refreshed(allocation: Allocation): void;
  /** One relayed address of a dual allocation, or the last, is gone. Counters are final for it. */
  relayReleased(allocation: Allocation, relay: Relay): void;
  released(allocation: Allocation, reason: ReleaseReason): void;
  permissionInstalled(allocation: Allocation, permission: Permission): void;
  channelBound(allocation: Allocation, channel: Channel): void;
  channelUnbound(allocation: Allocation, channel: Channel): void;
  /** @param realm in which the request was judged */
  authFailed(endpoint: ClientEndpoint, username: string, reason: AuthFailure, realm: string): void;
  /** A peer was refused by policy; port 0 where only the address was judged. */
  peerDenied(allocation: Allocation, peer: IpAddress, port: number, rule: string): void;
  /** So many more packets exceeded a rate: told when it begins, then once a minute, with the limit that refused the last. */
  overRate(allocation: Allocation, packets: number, refusal: RateRefusal | null): void;
  /** An error response was sent. */
  rejected(endpoint: ClientEndpoint, method: number, code: number): void;
  /** A bug or a failing collaborator: the request was answered 500. */
  failed(error: unknown): void;
}

/** Everything the engine is given. */
export interface Env {
  readonly clock: Clock;
  readonly random: Random;
  readonly relays: RelaySockets;
  /** Null: the engine keeps reservations itself. */
  readonly reservations: ReservedPorts | null;
  readonly capabilities: PlaneCapabilities;
  readonly credentials: Credentials;
  /** Null where there is one realm for all. */
  readonly realms: Realms | null;
  readonly peers: PeerAddressPolicy;
  readonly own: OwnAddresses;
  /** Null where one process is the whole server. */
  readonly neighbours: RelayNeighbours | null;
  readonly quota: Quota;
  readonly rateMemory: RateMemory;
  /** Whether memory is so short that no allocation may be made (R24). Asked for each Allocate: costs nothing. */
  readonly isShortOfMemory: () => boolean;
  readonly budget: ReplyBudget;
  /** Null where failed logins are not bounded. */
  readonly brake: LoginBrake | null;
  readonly observer: Observer;
  /** 32 secret bytes that sign nonces: shared by all workers and kept across restarts. */
  readonly nonceKey: Buffer;
}
