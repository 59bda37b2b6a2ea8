// All webhooks of a server: they come and go with the configuration, and what waits for one that stays is kept.

import { randomInt, randomUUID } from 'node:crypto';
import type { EventHub } from './event-hub.ts';
import type { EventType } from './event-types.ts';
import type { MakePoster } from './http-post.ts';
import type { EventTimers } from './timers.ts';
import { Webhook, type WebhookCounters } from './webhook.ts';

/** A webhook as it is wanted. */
export interface WebhookTarget {
  /** Unique. It may hold a secret: nobody is told more of it than its origin. */
  readonly url: string;
  readonly key: Buffer;
  readonly events: readonly EventType[];
}

/** What they work with. */
export interface WebhooksParts {
  readonly hub: EventHub;
  readonly timers: EventTimers;
  /** Unix milliseconds. */
  readonly wallTime: () => number;
  readonly makePoster: MakePoster;
  /** Hears that a receiver takes nothing (why), and that it does again. */
  readonly report: (news: WebhookNews) => void;
}

/** How a receiver is doing. */
export interface WebhookNews {
  /** Of its URL. */
  readonly origin: string;
  /** Null: it takes events again. */
  readonly problem: string | null;
  /** Events of all webhooks that were lost since the start. */
  readonly lost: number;
}

interface Live {
  readonly webhook: Webhook;
  stop: () => void;
}

const STEPS = 1_000_000;

/** The webhooks of one server. */
export class Webhooks {
  readonly #parts: WebhooksParts;
  /** By URL. */
  readonly #live = new Map<string, Live>();
  /** Those that are no longer wanted, until they have ended. */
  readonly #ending = new Set<Promise<void>>();
  /** Of all, those that are gone among them. */
  readonly counters: WebhookCounters = { delivered: 0, failed: 0, dropped: 0, postsTaken: 0, postsFailed: 0 };

  constructor(parts: WebhooksParts) {
    this.#parts = parts;
  }

  /** Events that wait to be sent. */
  get waiting(): number {
    return [...this.#live.values()].reduce((sum, { webhook }) => sum + webhook.waiting, 0);
  }

  /** Sends to these from now on, and to no others. */
  configure(targets: readonly WebhookTarget[]): void {
    const wanted = new Set(targets.map(({ url }) => url));
    const gone = [...this.#live].filter(([url]) => !wanted.has(url));
    for (const { url, key, events } of targets) {
      const known = this.#live.get(url);
      const webhook = known?.webhook ?? this.#open(url, key);
      webhook.setKey(key);
      const stop = this.#parts.hub.listen(events, (event) => webhook.take(event));
      known?.stop();
      this.#live.set(url, { webhook, stop });
    }
    for (const [url, live] of gone) this.#end(url, live);
  }

  /** Sends what is left, within two seconds, and ends. */
  async close(): Promise<void> {
    for (const [url, live] of [...this.#live]) this.#end(url, live);
    await Promise.all(this.#ending);
  }

  #open(url: string, key: Buffer): Webhook {
    const { timers, wallTime, makePoster, report } = this.#parts;
    const { counters } = this;
    const { origin } = new URL(url);
    return new Webhook(key, {
      ...{ poster: makePoster(new URL(url)), timers, wallTime, counters },
      jitter: () => randomInt(STEPS) / STEPS,
      makeId: () => `msg_${randomUUID().replaceAll('-', '')}`,
      onChange: (problem) => report({ origin, problem, lost: counters.failed + counters.dropped }),
    });
  }

  #end(url: string, { webhook, stop }: Live): void {
    this.#live.delete(url);
    stop();
    const ending = webhook.close().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
