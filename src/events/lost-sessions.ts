// The sessions that workers hold, as far as events have told of them: those of a worker that dies end with it, and nobody
// else is left to say so.

import type { EventReport, SessionReport } from './event-schemas.ts';

interface Held {
  /** Monotonic milliseconds. */
  readonly since: number;
  last: SessionReport;
  traffic: Traffic;
}

type Traffic = Pick<
  Extract<SessionReport, { readonly type: 'traffic' }>,
  'packetsFromClient' | 'bytesFromClient' | 'packetsToClient' | 'bytesToClient'
>;

const NOTHING: Traffic = Object.freeze({
  packetsFromClient: 0,
  bytesFromClient: 0,
  packetsToClient: 0,
  bytesToClient: 0,
});

/** What sessions end of whose worker has died. */
export const WORKER_LOST = 'worker-lost';

/** Sessions by worker, then by id. */
export class LostSessions {
  readonly #now: () => number;
  readonly #held = new Map<number, Map<number, Held>>();

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A worker has told of something. */
  note(worker: number, report: EventReport): void {
    if (report.type === 'allocated') {
      const held = this.#held.get(worker) ?? new Map<number, Held>();
      this.#held.set(worker, held);
      held.set(report.session, { since: this.#now(), last: report, traffic: NOTHING });
      return;
    }
    if (report.type === 'released') this.#held.get(worker)?.delete(report.session);
    if (report.type !== 'traffic') return;
    const known = this.#held.get(worker)?.get(report.session);
    if (known !== undefined) known.traffic = report;
  }

  /** A worker is gone: the ends of its sessions, with what they had relayed when that was told last. */
  gone(worker: number): readonly EventReport[] {
    const held = [...(this.#held.get(worker)?.values() ?? [])];
    this.#held.delete(worker);
    return held.map(({ since, last, traffic }): EventReport => {
      const { session, realm, user, client, transport, relayed } = last;
      const { packetsFromClient, bytesFromClient, packetsToClient, bytesToClient } = traffic;
      return {
        ...{ type: 'released', session, realm, user, client, transport, relayed },
        ...{ packetsFromClient, bytesFromClient, packetsToClient, bytesToClient },
        duration: Math.round((this.#now() - since) / 1000),
        reason: WORKER_LOST,
      };
    });
  }

  /** Nobody wants to know any more. */
  clear(): void {
    this.#held.clear();
  }
}
