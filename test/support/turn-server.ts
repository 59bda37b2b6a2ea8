// What interop tests and benches need to know of a running TURN server, whichever it is.

/** One entry of `iceServers` as browsers take it. */
export interface IceServer {
  readonly urls: string;
  readonly username: string;
  readonly credential: string;
}

/** How a client reaches the server. */
export type Transport = 'udp' | 'tcp' | 'tls';

/** The long-term credential that every server under test knows. */
export const TEST_USER = { realm: 'example.org', username: 'alice', password: 's3cret-Pass' } as const;

/** Where servers under test listen. */
export const TEST_ADDRESS = '127.0.0.1';

/** A running TURN server on loopback with one user, reachable over every transport. */
export interface TurnServer {
  readonly ports: Readonly<Record<Transport, number>>;
  /** The same user over each transport between client and server. */
  readonly iceServers: Readonly<Record<Transport, IceServer>>;
  /** Base64 of the SHA-256 of the public key in the server's certificate: Chromium's pin to trust it. */
  readonly publicKeyHash: string;
  /** Of the process whose tree relays: benches read its CPU time. */
  readonly pid: number;
  /** What the server has printed so far. */
  readonly lines: readonly string[];
  close(): Promise<void>;
}

/** What tests ask of a TURN server, in a form that every launcher understands. */
export interface TurnServerOptions {
  /** Peer addresses to refuse with 403, on top of the defaults. */
  readonly deniedPeers?: readonly string[];
  /** Allocations that the user may hold at once; no limit by default. */
  readonly userQuota?: number;
  /** The secret of time-limited credentials. Coturn then has no user beside it. */
  readonly secret?: string;
  /** Further command-line arguments, in the server's own language. */
  readonly args?: readonly string[];
  /** Variables for turnd's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** {@link TEST_USER} over each of `ports`. */
export function iceServersOf(ports: TurnServer['ports']): TurnServer['iceServers'] {
  const entry = (scheme: string, transport: Transport, query: string): IceServer => ({
    urls: `${scheme}:${TEST_ADDRESS}:${ports[transport]}?transport=${query}`,
    username: TEST_USER.username,
    credential: TEST_USER.password,
  });
  return { udp: entry('turn', 'udp', 'udp'), tcp: entry('turn', 'tcp', 'tcp'), tls: entry('turns', 'tls', 'tcp') };
}
