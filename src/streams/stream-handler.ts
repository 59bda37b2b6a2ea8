// What streams need from the engine, and how much they may take: settings and counters. Knows no sockets.

import type { ClientEndpoint } from '../turn/client-endpoint.ts';
import { TrustedProxies } from './trusted-proxies.ts';

/** Whom frames are for: the engine. */
export interface StreamHandler {
  /** A whole STUN message or ChannelData with its padding is at `buffer[start, end)`: valid during the call. */
  fromClient(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void;
  /** The five-tuple is gone, and its allocation with it. Called exactly once per connection. */
  endpointClosed(endpoint: ClientEndpoint): void;
}

/** Bounds of stream connections. Times in seconds, sizes in bytes. */
export interface StreamSettings {
  /** A connection without allocation lives this long, whatever it sends. */
  readonly idleTimeout: number;
  /** A connection that has not sent a whole frame by then is closed: it may be silent, or a slow loris. */
  readonly firstFrameTimeout: number;
  /** Relayed messages are dropped while more than this waits for the client; responses may take twice as much. */
  readonly writeQueue: number;
  /** A client that reads nothing for this long while its queue is full is closed. */
  readonly stallTimeout: number;
  /** Connections in all, in every state. */
  readonly connections: number;
  /** Connections per client address, of which an IPv6 client has a /64; 0 = no limit. */
  readonly connectionsPerClient: number;
  /** Who may connect where a PROXY header is expected. */
  readonly trustedProxies: TrustedProxies;
}

/** What fits most servers. */
export const DEFAULT_STREAM_SETTINGS: StreamSettings = {
  idleTimeout: 60,
  firstFrameTimeout: 10,
  writeQueue: 131_072,
  stallTimeout: 30,
  connections: 10_000,
  connectionsPerClient: 1000,
  trustedProxies: new TrustedProxies(['127.0.0.0/8', '::1/128']),
};

/** Counts since the start. */
export class StreamCounters {
  /** Whole messages and ChannelData that came. */
  framesIn = 0;
  /** Messages that were queued for a client: responses and what is relayed. */
  messagesOut = 0;
  /** Sockets accepted by the kernel. */
  accepted = 0;
  /** Connections that spoke a protocol of their listener. */
  tcpConnections = 0;
  tlsConnections = 0;
  /** Closed at accept: too many in all, and each with an allocation. */
  overTotalLimit = 0;
  /** Closed to make room for a newcomer: without allocation, and longer here than any other such connection. */
  madeRoom = 0;
  /** Closed at accept: few file descriptors were left, and nobody could make room. */
  outOfDescriptors = 0;
  /** Closed at accept: memory was short (R24). */
  outOfMemory = 0;
  /** Closed at accept, or at the header of a proxy: too many from one client address. */
  overClientLimit = 0;
  /** Closed at accept on a listener for proxies: from elsewhere. */
  untrustedProxies = 0;
  /** Closed there because the first bytes were no valid PROXY header. */
  proxyHeadersRefused = 0;
  /** Closed at the first byte: TLS on a plain listener, or anything else on a TLS listener. */
  wrongProtocol = 0;
  /** Closed because the stream was neither STUN nor ChannelData. */
  unframeable = 0;
  /** Closed with half a long frame and no allocation: too many have begun one. */
  overPartials = 0;
  /** Closed before a whole frame came. */
  firstFrameTimeouts = 0;
  /** Closed without allocation. */
  idleTimeouts = 0;
  /** Closed because the client read nothing while its queue was full. */
  stalled = 0;
  /** Closed because not even responses could be queued. */
  overflowed = 0;
  /** Socket errors other than a peer that went away. */
  socketErrors = 0;
  /** Failures of accept(), such as EMFILE. */
  acceptErrors = 0;
  /** Relayed messages that were dropped because a queue was full, and their bytes. */
  droppedMessages = 0;
  droppedBytes = 0;
}
