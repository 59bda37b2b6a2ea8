// Keeps an allocation, its permissions and its channels alive by asking for them again in time. Owns when; the client
// owns how.

import type { ClientError } from './client-error.ts';
import type { TurnClient } from './turn-client.ts';

/** An allocation is refreshed this long before its end, or at half of a short life. */
const ALLOCATION_MARGIN_S = 60;
/** Permissions live 300 s (RFC 8656 §9), bindings 600 s (§12). */
const PERMISSION_CYCLE_MS = 240_000;
const CHANNEL_CYCLE_MS = 540_000;

/** Told of what could not be renewed; it is tried again at its next turn. */
export type OnRenewalFailed = (error: ClientError) => void;

/** Renews everything that a client holds until it is stopped. */
export class KeepAlive {
  readonly #client: TurnClient;
  readonly #onFailed: OnRenewalFailed;
  readonly #cancels = new Map<string, () => void>();
  #isStopped = false;

  constructor(client: TurnClient, onFailed: OnRenewalFailed) {
    this.#client = client;
    this.#onFailed = onFailed;
    this.#cycle(
      'allocation',
      () => refreshDelay(client.lifetime),
      () => client.refresh(),
    );
    this.#cycle(
      'permissions',
      () => PERMISSION_CYCLE_MS,
      () => this.#renewPermissions(),
    );
    this.#cycle(
      'channels',
      () => CHANNEL_CYCLE_MS,
      () => this.#renewChannels(),
    );
  }

  /** Idempotent. */
  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#cancels.values()) cancel();
  }

  #cycle(name: string, delay: () => number, renew: () => Promise<unknown>): void {
    const turn = (): void => {
      renew()
        .catch((error: ClientError) => {
          if (!this.#isStopped) this.#onFailed(error);
        })
        .finally(() => this.#cycle(name, delay, renew));
    };
    if (!this.#isStopped) this.#cancels.set(name, this.#client.timers.after(delay(), turn));
  }

  async #renewPermissions(): Promise<void> {
    const { permissions } = this.#client;
    if (permissions.length > 0) await this.#client.createPermission(...permissions);
  }

  async #renewChannels(): Promise<void> {
    for (const [channel, peer] of this.#client.channels) await this.#client.bindChannel(peer, channel);
  }
}

function refreshDelay(lifetime: number): number {
  return Math.max(lifetime - ALLOCATION_MARGIN_S, lifetime / 2, 1) * 1000;
}
