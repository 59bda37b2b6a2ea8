// Reports the allocations of an engine to whoever publishes them: what happens at once, traffic as it adds up. Knows no
// Redis.

import type { Allocation } from '../turn/allocation.ts';
import { type Clock, type Observer, ReleaseReason } from '../turn/env.ts';
import type { ReportedAllocation, ReportedTraffic, StatusReport } from '../workers/status-report.ts';

/** After how many packets there is a report, of both ways: each is one from and one to somebody. */
const PACKETS_PER_REPORT = 2048;

/** Takes reports. */
export type SendReport = (report: StatusReport) => void;

/** Reports for one engine. */
export class StatusReporter implements Pick<Observer, 'allocated' | 'refreshed' | 'released'> {
  readonly #send: SendReport;
  readonly #clock: Clock;
  /** Packets that were reported of what lives. */
  readonly #reported = new Map<Allocation, number>();

  constructor(send: SendReport, clock: Clock) {
    this.#send = send;
    this.#clock = clock;
  }

  allocated(allocation: Allocation): void {
    this.#reported.set(allocation, 0);
    this.#send({ event: 'new', allocation: describe(allocation), lifetime: this.#lifetime(allocation) });
  }

  refreshed(allocation: Allocation): void {
    this.#send({ event: 'refreshed', allocation: describe(allocation), lifetime: this.#lifetime(allocation) });
  }

  released(allocation: Allocation, reason: ReleaseReason): void {
    this.#reported.delete(allocation);
    // coturn tells of the Refresh that ends it too.
    if (reason === ReleaseReason.DELETED) {
      this.#send({ event: 'refreshed', allocation: describe(allocation), lifetime: 0 });
    }
    this.#send({ event: 'released', id: allocation.id, traffic: trafficOf(allocation) });
  }

  /** Looks at the counters of all: to be called about once a second. */
  tick(): void {
    for (const [allocation, reported] of this.#reported) {
      const traffic = trafficOf(allocation);
      const packets = traffic.packetsToPeer + traffic.packetsToClient;
      if (packets - reported < PACKETS_PER_REPORT) continue;
      this.#reported.set(allocation, packets);
      this.#send({ event: 'traffic', id: allocation.id, traffic });
    }
  }

  #lifetime(allocation: Allocation): number {
    const deadline = Math.max(...allocation.relays().map((relay) => relay.deadline));
    return Math.max(0, Math.round((deadline - this.#clock.now()) / 1000));
  }
}

/** The same observer, which tells `reporter` too. */
export function reporting(observer: Observer, reporter: StatusReporter): Observer {
  return {
    ...observer,
    allocated: (allocation) => {
      observer.allocated(allocation);
      reporter.allocated(allocation);
    },
    refreshed: (allocation) => {
      observer.refreshed(allocation);
      reporter.refreshed(allocation);
    },
    released: (allocation, reason) => {
      observer.released(allocation, reason);
      reporter.released(allocation, reason);
    },
  };
}

function describe({ id, realm, credential, endpoint }: Allocation): ReportedAllocation {
  const { transport, local, client, encryption } = endpoint;
  const user = credential?.username ?? '';
  return { id, realm, user, transport, local: local.text, remote: client.text, encryption };
}

/** What an allocation has relayed so far, over all its relays. */
export function trafficOf(allocation: Allocation): ReportedTraffic {
  let { packetsToPeer, bytesToPeer, packetsToClient, bytesToClient } = allocation;
  for (const relay of allocation.relays()) {
    packetsToPeer += relay.packetsToPeer;
    bytesToPeer += relay.bytesToPeer;
    packetsToClient += relay.packetsToClient;
    bytesToClient += relay.bytesToClient;
  }
  return { packetsToPeer, bytesToPeer, packetsToClient, bytesToClient };
}
