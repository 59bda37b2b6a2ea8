// What an engine counts: plain number fields and one array, read at leisure by metrics. Nothing here is per client.

import { DROP_REASON_COUNT, type DropReason } from './drop-reason.ts';

/** Counters of one engine since its start. Packets and bytes are payload as relayed, without TURN framing. */
export class EngineCounters {
  packetsToPeer = 0;
  bytesToPeer = 0;
  packetsToClient = 0;
  bytesToClient = 0;
  /** Packets that went from one relayed address of this process to another without leaving it. */
  packetsCrossed = 0;
  /** Packets that went by the kernel to a relayed address of another process of this server. */
  packetsToNeighbours = 0;
  /** ICMP errors that clients were told of. */
  errorsToClient = 0;
  requests = 0;
  /** Responses that were sent: the others of {@link requests} were dropped, or are being worked on. */
  responses = 0;
  /** Binding indications: they keep a NAT binding alive, and nothing is done. */
  keepAlives = 0;
  /** Refusals of peers by policy: requests answered 403, and datagrams (which are among {@link dropped} as well). */
  peerDenied = 0;
  /** Requests answered 508 because they name new peers too fast (S39). */
  scanLimited = 0;
  /** Allocate requests answered 508 because memory is short (R24). */
  memoryLimited = 0;
  /** Drops by {@link DropReason}. */
  readonly dropped: Float64Array = new Float64Array(DROP_REASON_COUNT);

  drop(reason: DropReason): void {
    (this.dropped[reason] as number)++;
  }
}
