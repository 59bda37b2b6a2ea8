// The events of all processes of a server as main has them: who listens, and the webhooks that they go to.

import type { Config } from '../config/config.ts';
import { EventHub } from '../events/event-hub.ts';
import { type EventFilter, EventReader } from '../events/event-reader.ts';
import type { EventReport } from '../events/event-schemas.ts';
import type { EventType } from '../events/event-types.ts';
import { httpPoster } from '../events/http-post.ts';
import { LostSessions } from '../events/lost-sessions.ts';
import { webhookKey } from '../events/webhook-signature.ts';
import { type WebhookNews, Webhooks } from '../events/webhooks.ts';
import type { Logger } from '../log/logger.ts';
import type { EventMetrics } from '../metrics/snapshot.ts';
import { systemClock } from '../state/system-clock.ts';
import { nodeTimers } from '../workers/node-timers.ts';
import type { Closers } from './closers.ts';

/** So many may read the stream at once. */
export const MAX_READERS = 32;

/** The events of one server. */
export class ServerEvents {
  readonly #hub: EventHub;
  readonly #webhooks: Webhooks;
  readonly #sessions = new LostSessions(() => systemClock.now());
  readonly #readers = new Set<EventReader>();
  #lost = 0;
  #isEnding = false;

  constructor(logger: Logger) {
    const { wallTime } = systemClock;
    this.#hub = new EventHub({ timers: nodeTimers, wallTime });
    this.#webhooks = new Webhooks({
      ...{ hub: this.#hub, timers: nodeTimers, wallTime, makePoster: httpPoster },
      report: (news) => tell(logger, news),
    });
  }

  /** What processes have to report. */
  get wanted(): readonly EventType[] {
    return this.#hub.wanted;
  }

  /** For metrics. */
  get metrics(): EventMetrics {
    const { counters, waiting } = this.#webhooks;
    return { readers: this.#readers.size, lost: this.#lost, webhooks: { ...counters, waiting } };
  }

  /** Calls `changed` with {@link wanted}: at once, and whenever it is another. */
  onWanted(changed: (types: readonly EventType[]) => void): void {
    this.#hub.onWanted((types) => {
      if (!this.#hub.wantsEnds) this.#sessions.clear();
      changed(types);
    });
  }

  /** Something has happened in a worker (0: in this process). */
  report(worker: number, report: EventReport): void {
    if (worker > 0 && this.#hub.wantsEnds) this.#sessions.note(worker, report);
    this.#hub.publish(report);
  }

  /** A worker is gone, and its sessions with it. */
  gone(worker: number): void {
    for (const report of this.#sessions.gone(worker)) this.#hub.publish(report);
  }

  /** Sends to the webhooks of this configuration from now on. */
  configure({ webhooks }: Pick<Config, 'webhooks'>): void {
    this.#webhooks.configure(
      webhooks.map(({ url, secret, events }) => ({ url, key: webhookKey(secret) ?? Buffer.alloc(0), events })),
    );
  }

  /** A reader of the stream, or null where there are too many. */
  read(filter: EventFilter, lastId: string | null): EventReader | null {
    if (this.#isEnding || this.#readers.size >= MAX_READERS) return null;
    const reader = new EventReader(this.#hub, filter, lastId, (count) => {
      this.#lost += count;
    });
    this.#readers.add(reader);
    reader.onEnd(() => this.#readers.delete(reader));
    return reader;
  }

  /** Ends the streams of all readers, and takes no new ones. */
  endReaders(): void {
    this.#isEnding = true;
    for (const reader of [...this.#readers]) reader.close();
  }

  /** Sends the webhooks what is left, and ends. Within two seconds. */
  async close(): Promise<void> {
    this.endReaders();
    await this.#webhooks.close();
    this.#hub.close();
  }
}

/** Opens them. They close after whoever reports to them: the last events are the ends of sessions. */
export function openEvents(config: Config, logger: Logger, closers: Closers): ServerEvents {
  const events = new ServerEvents(logger);
  closers.add(() => events.close());
  events.configure(config);
  return events;
}

// One line for each outage, however many events it costs (S54). Of a URL only the origin: the rest may be a secret.
function tell(logger: Logger, { origin, problem, lost }: WebhookNews): void {
  if (problem === null) logger.info({ event: 'webhook-back', webhook: origin, lost }, 'the webhook takes events again');
  else
    logger.warn(
      { event: 'webhook-failing', webhook: origin },
      `the webhook takes no events (${problem}): trying again`,
    );
}
