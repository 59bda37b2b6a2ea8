// Publishes the allocations of all processes of this server in a Redis, as coturn does. What a dead worker held is
// published as gone.

import type { Config } from '../config/config.ts';
import type { Logger } from '../log/logger.ts';
import { keepServerNumber } from '../state/kept-secrets.ts';
import type { StateDirectory } from '../state/state-directory.ts';
import type { PublishedAllocation, PublishedTraffic, PublishedTransport } from '../statsdb/coturn-texts.ts';
import { openStatusPublisher, type StatusPublisher } from '../statsdb/status-publisher.ts';
import type { Random } from '../turn/env.ts';
import type { ReportedAllocation, ReportedTraffic, StatusReport } from '../workers/status-report.ts';
import type { Closers } from './closers.ts';

/** Digits of an allocation's number behind the server's. */
const ID_DIGITS = 9;

interface Live {
  readonly allocation: PublishedAllocation;
  traffic: PublishedTraffic;
}

/** Publishes for one server. */
export class StatusService {
  readonly #publisher: Pick<StatusPublisher, 'allocated' | 'refreshed' | 'traffic' | 'released'>;
  readonly #server: string;
  /** By worker, then by number. */
  readonly #live = new Map<number, Map<number, Live>>();

  /** @param server digits that tell the servers on one Redis apart */
  constructor(publisher: Pick<StatusPublisher, 'allocated' | 'refreshed' | 'traffic' | 'released'>, server: string) {
    this.#publisher = publisher;
    this.#server = server;
  }

  /** Something has happened to an allocation of a worker (0: of this process). */
  report(worker: number, report: StatusReport): void {
    if ('allocation' in report) return this.#status(worker, report);
    const live = this.#liveOf(worker);
    const known = live.get(report.id);
    if (known === undefined) return;
    known.traffic = publishedTraffic(report.traffic);
    if (report.event === 'traffic') return this.#publisher.traffic(known.allocation, known.traffic);
    live.delete(report.id);
    this.#publisher.released(known.allocation, known.traffic);
  }

  /** A worker is gone, and its allocations with it. */
  gone(worker: number): void {
    for (const { allocation, traffic } of this.#liveOf(worker).values()) this.#publisher.released(allocation, traffic);
    this.#live.delete(worker);
  }

  #status(worker: number, report: Extract<StatusReport, { event: 'new' | 'refreshed' }>): void {
    const live = this.#liveOf(worker);
    const { id } = report.allocation;
    const known = live.get(id);
    const allocation = known?.allocation ?? this.#published(report.allocation);
    if (known === undefined) live.set(id, { allocation, traffic: publishedTraffic(NOTHING) });
    if (report.event === 'new') this.#publisher.allocated(allocation, report.lifetime);
    else this.#publisher.refreshed(allocation, report.lifetime);
  }

  #published({ id, realm, user, transport, local, remote, encryption }: ReportedAllocation): PublishedAllocation {
    return {
      id: `${this.#server}${String(id).padStart(ID_DIGITS, '0')}`,
      ...{ realm, user, local, remote },
      transport: TRANSPORTS[transport] ?? 'UDP',
      tlsMethod: encryption?.protocol ?? '',
      tlsCipher: encryption?.cipher ?? '',
    };
  }

  #liveOf(worker: number): Map<number, Live> {
    const known = this.#live.get(worker);
    if (known !== undefined) return known;
    const live = new Map<number, Live>();
    this.#live.set(worker, live);
    return live;
  }
}

/** Null where nothing is to be published. @throws StoreError where the driver is missing */
export async function openStatusService(
  config: Config,
  { logger, state, random, closers }: { logger: Logger; state: StateDirectory; random: Random; closers: Closers },
): Promise<StatusService | null> {
  const url = config.statsdb;
  if (url === null || url.kind !== 'redis') return null;
  const server = keepServerNumber(state, random);
  const publisher = await openStatusPublisher({
    url,
    idPrefix: server,
    onChange: (problem) => {
      if (problem === null) logger.info({ event: 'statsdb-back' }, 'statsdb answers');
      else logger.error({ event: 'statsdb-lost' }, `statsdb: ${problem}`);
    },
  });
  closers.add(() => publisher.close());
  return new StatusService(publisher, server);
}

const NOTHING: ReportedTraffic = { packetsToPeer: 0, bytesToPeer: 0, packetsToClient: 0, bytesToClient: 0 };

const TRANSPORTS: Readonly<Record<string, PublishedTransport>> = Object.freeze({
  udp: 'UDP',
  tcp: 'TCP',
  tls: 'TLS/TCP',
  dtls: 'DTLS',
});

// What is relayed one way comes in on one side and leaves on the other.
function publishedTraffic({ packetsToPeer, bytesToPeer, packetsToClient, bytesToClient }: ReportedTraffic) {
  return {
    packetsFromClient: packetsToPeer,
    bytesFromClient: bytesToPeer,
    packetsToClient,
    bytesToClient,
    packetsFromPeers: packetsToClient,
    bytesFromPeers: bytesToClient,
    packetsToPeers: packetsToPeer,
    bytesToPeers: bytesToPeer,
  };
}
