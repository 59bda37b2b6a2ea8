// What an operator may choose about the protocol, in the engine's own terms. Defaults live in the configuration schema.

import type { TransportAddress } from '../stun/transport-address.ts';
import type { RelayRates } from './rate-meters.ts';
import type { Transport } from './transport.ts';

/** Another server, for clients of one transport. */
export interface AlternateServer {
  readonly transport: Transport;
  readonly address: TransportAddress;
  /** The name that its certificate is for; empty = the same as this one's. */
  readonly domain: string;
}

/** What may change while an engine runs; replaced as a whole. */
export interface EngineLimits {
  readonly permissionsPerAllocation: number;
  readonly channelsPerAllocation: number;
  /** How many new peer addresses a second an allocation may name in the long run; 0 = any number (S39). */
  readonly newPeersPerSecond: number;
  /** How many it may name at once. */
  readonly newPeersBurst: number;
  /** Of what is relayed. */
  readonly rates: RelayRates;
  /** Whether allocations end with the credentials that they were made with (S21); else these only count when they are made. */
  readonly strictExpiry: boolean;
  /** Seconds after which an allocation ends, whatever is refreshed; 0 = never. */
  readonly maxSessionAge: number;
  /** Where new clients are sent while the server drains; at most one of a transport and address family. */
  readonly alternates: readonly AlternateServer[];
}

/** Settings of an engine, for its whole life. */
export interface EngineSettings {
  /** REALM for whoever belongs to no other. Prepared with OpaqueString. */
  readonly realm: string;
  /** No credentials are asked for: labs only. */
  readonly anonymous: boolean;
  /** Binding needs credentials as well (RFC 8489 §12 leaves it to the operator). */
  readonly authenticateBinding: boolean;
  /** PASSWORD-ALGORITHMS is offered: every credential source must be able to derive SHA-256 keys. */
  readonly passwordAlgorithms: boolean;
  /** USERHASH is accepted and announced. */
  readonly usernameAnonymity: boolean;
  /** Seconds that a NONCE is accepted. */
  readonly nonceLifetime: number;
  /** Seconds granted when LIFETIME is absent, or asks for less (RFC 8656 §7.2). */
  readonly defaultLifetime: number;
  /** Seconds granted at most. */
  readonly maxLifetime: number;
  /** At the start. */
  readonly limits: EngineLimits;
  /** Old clients may bind channel numbers up to 0x7FFE (RFC 5766 §11.2). */
  readonly rfc5766ChannelNumbers: boolean;
  /** The process's number among several, 1 to 999; 0 where one process is the whole server. See `Allocation.id`. */
  readonly worker: number;
  /** SOFTWARE; empty = not sent. */
  readonly software: string;
}
