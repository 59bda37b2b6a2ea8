// Publishes allocations as coturn's redis-statsdb does: same keys, channels and values. It is told of allocations and
// of traffic; what it makes of them leaves by an outlet.

import { loadRedisClass, RedisOpener } from '../store/redis/redis-client.ts';
import { askEach, listKeys } from '../store/redis/redis-scan.ts';
import { STORE_TIMEOUT_MS } from '../store/store.ts';
import { nameOf, type ServerUrl } from '../store/store-url.ts';
import {
  channelOf,
  clientTrafficText,
  countPackets,
  DELETED_TEXT,
  NO_TRAFFIC,
  type PublishedAllocation,
  type PublishedTraffic,
  peerTrafficText,
  STATUS_PATTERN,
  statusText,
  subtractTraffic,
} from './coturn-texts.ts';
import { Outbox } from './outbox.ts';
import { type OnChange, RedisOutlet } from './redis-outlet.ts';

/** After how many packets, of all four ways, coturn tells what went through an allocation. */
const PACKETS_PER_REPORT = 4096;
/** How many commands wait for a Redis that is away or slow: some ten megabytes. */
const MAX_WAITING_COMMANDS = 20_000;

/** How to publish. */
export interface StatusPublisherOptions {
  readonly url: ServerUrl;
  /**
   * Digits that the ids of this server begin with. Statuses that are there under such ids when it first connects are
   * deleted: those of a run that was killed. (coturn deletes those of all servers on the database when it starts.)
   */
  readonly idPrefix: string;
  /** Hears that Redis is away and why, and null when it is back. */
  readonly onChange: OnChange;
}

/**
 * Opens a publisher. A Redis that is not there makes no error: `onChange` tells.
 * @throws StoreError when the package ioredis is not installed
 */
export async function openStatusPublisher(options: StatusPublisherOptions): Promise<StatusPublisher> {
  const redisClass = await loadRedisClass(nameOf(options.url));
  return new StatusPublisher(options, new RedisOpener(redisClass, options.url, STORE_TIMEOUT_MS));
}

/**
 * Publishes allocations. Its calls return at once and never throw. While Redis is away or slow the oldest messages are
 * dropped; statuses are put right when it is back.
 */
export class StatusPublisher {
  readonly #outbox = new Outbox(MAX_WAITING_COMMANDS);
  readonly #outlet: RedisOutlet;
  /** What was last reported of the traffic of those that live, by status key. */
  readonly #reported = new Map<string, PublishedTraffic>();
  #isClosed = false;

  /** Connects at once, so that a fault is told before it is missed. Prefer {@link openStatusPublisher}. */
  constructor({ idPrefix, onChange }: StatusPublisherOptions, opener: RedisOpener) {
    const outbox = this.#outbox;
    this.#outlet = new RedisOutlet({
      outbox,
      opener,
      onChange,
      prepare: async (client) => {
        const keys = await listKeys(client, STATUS_PATTERN, { over: false });
        const stale = keys.filter((key) => idOf(key).startsWith(idPrefix) && !outbox.isLive(key));
        await askEach(client, stale, (commands, key) => commands.del(key));
      },
    });
    this.#outlet.wake();
  }

  /** How many messages subscribers have missed because Redis was away or slow. */
  get dropped(): number {
    return this.#outbox.dropped;
  }

  /** An allocation was made. `lifetime` in seconds. */
  allocated(allocation: PublishedAllocation, lifetime: number): void {
    this.#publishStatus(allocation, statusText('new', allocation, lifetime));
  }

  /** It was refreshed. coturn says so of a lifetime of 0 too, before {@link released}. */
  refreshed(allocation: PublishedAllocation, lifetime: number): void {
    this.#publishStatus(allocation, statusText('refreshed', allocation, lifetime));
  }

  /**
   * What went through it in all, up to now. Call it as often as is handy: as coturn, it tells what was added after
   * every 4,096 packets.
   */
  traffic(allocation: PublishedAllocation, total: PublishedTraffic): void {
    if (this.#isClosed) return;
    const key = channelOf(allocation, 'status');
    const added = subtractTraffic(total, this.#reported.get(key) ?? NO_TRAFFIC);
    if (countPackets(added) < PACKETS_PER_REPORT) return;
    this.#reported.set(key, total);
    this.#publishTraffic(allocation, added);
    this.#outlet.wake();
  }

  /** It is no more. `total` is what went through it in all. */
  released(allocation: PublishedAllocation, total: PublishedTraffic): void {
    if (this.#isClosed) return;
    const key = channelOf(allocation, 'status');
    this.#publishTraffic(allocation, subtractTraffic(total, this.#reported.get(key) ?? NO_TRAFFIC));
    this.#reported.delete(key);
    this.#outbox.delete(key);
    this.#outbox.publish(key, DELETED_TEXT);
    this.#outbox.publish(channelOf(allocation, 'total_traffic'), clientTrafficText(total));
    this.#outbox.publish(channelOf(allocation, 'total_traffic/peer'), peerTrafficText(total));
    this.#outlet.wake();
  }

  /** Sends what is left, takes away the statuses of what still lives, and ends. Within 2 s. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isClosed) this.#outbox.deleteAll();
    this.#isClosed = true;
    await this.#outlet.close();
  }

  #publishStatus(allocation: PublishedAllocation, text: string): void {
    if (this.#isClosed) return;
    const key = channelOf(allocation, 'status');
    this.#outbox.set(key, text);
    this.#outbox.publish(key, text);
    this.#outlet.wake();
  }

  #publishTraffic(allocation: PublishedAllocation, added: PublishedTraffic): void {
    this.#outbox.publish(channelOf(allocation, 'traffic'), clientTrafficText(added));
    this.#outbox.publish(channelOf(allocation, 'traffic/peer'), peerTrafficText(added));
  }
}

// The part before `/status`: a user name may hold slashes too.
function idOf(key: string): string {
  return key.split('/').at(-2) ?? '';
}
