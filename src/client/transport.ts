// What a client needs of the path to its server. Implemented over UDP, TCP and TLS; a test has its own.

import type { TransportAddress } from '../stun/transport-address.ts';
import type { CertificateDetails } from './certificate-details.ts';
import type { ClientError } from './client-error.ts';
import type { ClientTransportKind } from './uri.ts';

/** Who is told of what arrives. */
export interface TransportListener {
  /** One STUN message or ChannelData at `buffer[start, end)`; on streams ChannelData has its padding. */
  onFrame(buffer: Buffer, start: number, end: number): void;
  /**
   * The path reports an error. On datagram paths it may be somebody else's fault (ICMP can be forged, and passes): the
   * path stays open. On streams it is the end.
   */
  onError(error: ClientError): void;
}

/** An open path to a server. */
export interface ClientTransport {
  readonly kind: ClientTransportKind;
  /** Streams neither lose nor repeat: requests are sent once (RFC 8489 §6.2.2). */
  readonly isReliable: boolean;
  readonly local: TransportAddress;
  readonly remote: TransportAddress;
  /** What a TLS server showed; null without TLS. */
  readonly certificate: CertificateDetails | null;
  /** Begins to deliver; what came before is delivered first. */
  listen(listener: TransportListener): void;
  /** Sends one whole message. Never throws. */
  send(bytes: Buffer): void;
  /** Idempotent. */
  close(): Promise<void>;
}
