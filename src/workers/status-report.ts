// What a process of engines tells of its allocations to whoever publishes them, as plain data.

/** Who an allocation is. */
export interface ReportedAllocation {
  readonly id: number;
  /** Empty when access is anonymous. */
  readonly realm: string;
  readonly user: string;
  readonly transport: string;
  /** Where the client reached the server: `IP:port`. */
  readonly local: string;
  /** The client: `IP:port`. */
  readonly remote: string;
  /** Of the client's connection, as OpenSSL says it; null = in the clear. */
  readonly encryption: { readonly protocol: string; readonly cipher: string } | null;
}

/** What was relayed since the allocation was made. */
export interface ReportedTraffic {
  readonly packetsToPeer: number;
  readonly bytesToPeer: number;
  readonly packetsToClient: number;
  readonly bytesToClient: number;
}

/** One event of an allocation. */
export type StatusReport =
  /** It was made or refreshed; `lifetime` in seconds. */
  | { readonly event: 'new' | 'refreshed'; readonly allocation: ReportedAllocation; readonly lifetime: number }
  /** What went through it in all up to now. */
  | { readonly event: 'traffic' | 'released'; readonly id: number; readonly traffic: ReportedTraffic };
