// What interop tests and benches need to know of a running TURN server, whichever it is.

/** One entry of `iceServers` as browsers take it. */
export interface IceServer {
  readonly urls: string;
  readonly username: string;
  readonly credential: string;
}

/** A running TURN server with one user, reachable over every transport. */
export interface TurnServer {
  /** The same user over each transport between client and server. */
  readonly iceServers: { readonly udp: IceServer; readonly tcp: IceServer; readonly tls: IceServer };
  /** Base64 of the SHA-256 of the public key in the server's certificate: Chromium's pin to trust it. */
  readonly publicKeyHash: string;
  /** Of the process that relays: benches read its CPU time. */
  readonly pid: number;
  close(): Promise<void>;
}

/** What tests ask of a TURN server, in a form that every launcher understands. */
export interface TurnServerOptions {
  /** Peer addresses to refuse with 403, on top of the defaults. */
  readonly deniedPeers?: readonly string[];
  /** Allocations that the user may hold at once; no limit by default. */
  readonly userQuota?: number;
  /** Further flags of the server. */
  readonly flags?: readonly string[];
}
