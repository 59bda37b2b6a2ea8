// Where the hosts are that the server itself talks to: databases and the like, which are nobody's peers (S36). Names are
// resolved again and again. Knows neither what the hosts are for nor what becomes of peers.

import { type IpAddress, parseIp } from '../stun/ip-address.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import type { Every, ResolveName } from './name-watcher.ts';

/** A host as it is configured. */
export interface Backend {
  /** A DNS name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** How often names are resolved again. */
export const BACKEND_INTERVAL = 30_000;

/** How long an address counts that its name no longer leads to: connections outlive a change, and answers rotate. */
export const BACKEND_MEMORY = 3_600_000;

/** What {@link BackendAddresses} works with. */
export interface BackendAddressesOptions {
  readonly resolve: ResolveName;
  readonly every: Every;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Takes one sentence for the log: when a name stops resolving, and when it does again. */
  readonly report: (message: string) => void;
}

/** The addresses of some hosts, all of each name, of both families. */
export class BackendAddresses {
  readonly #options: BackendAddressesOptions;
  readonly #stop: () => void;
  #hosts: ReadonlyMap<string, WatchedHost> = new Map();
  #addresses: readonly TransportAddress[] = [];
  #changed: () => void = () => {};

  /** Starts the timer; {@link follow} says whom to watch. */
  constructor(options: BackendAddressesOptions) {
    this.#options = options;
    this.#stop = options.every(BACKEND_INTERVAL, () => void this.refresh());
  }

  /** As they are known now, in a fixed order. */
  get addresses(): readonly TransportAddress[] {
    return this.#addresses;
  }

  /** Calls `changed` whenever {@link addresses} are others. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  /** Watches these hosts and no others. Resolves when each has been looked up; never rejects. */
  follow(backends: readonly Backend[]): Promise<void> {
    const known = this.#hosts;
    const keyOf = ({ host, port }: Backend): string => `${host} ${port}`;
    this.#hosts = new Map(
      backends.map((one) => [keyOf(one), known.get(keyOf(one)) ?? new WatchedHost(one, this.#options)]),
    );
    this.#collect();
    return this.refresh();
  }

  /** Looks every name up now. Never rejects. */
  async refresh(): Promise<void> {
    await Promise.all(
      [...this.#hosts.values()].map(async (host) => {
        await host.refresh();
        this.#collect();
      }),
    );
  }

  /** Stops. Idempotent. */
  close(): void {
    this.#stop();
    this.#changed = () => {};
  }

  #collect(): void {
    const found = [...this.#hosts.values()].flatMap((host) => host.addresses);
    const sorted = found.toSorted((left, right) => (left.text < right.text ? -1 : 1));
    if (sorted.map(({ text }) => text).join() === this.#addresses.map(({ text }) => text).join()) return;
    this.#addresses = sorted;
    this.#changed();
  }
}

/** One host. What a failed look-up lacks stays as it was. */
class WatchedHost {
  readonly #backend: Backend;
  readonly #options: BackendAddressesOptions;
  /** By text: the address, and since when it has not been named. */
  readonly #known = new Map<string, { readonly ip: IpAddress; readonly until: number }>();
  #failing = false;
  #pending: Promise<void> | null = null;

  constructor(backend: Backend, options: BackendAddressesOptions) {
    this.#backend = backend;
    this.#options = options;
    const literal = parseIp(backend.host);
    if (literal !== null) this.#known.set(literal.text, { ip: literal, until: Number.POSITIVE_INFINITY });
  }

  get addresses(): TransportAddress[] {
    return [...this.#known.values()].map(({ ip }) => new TransportAddress(ip, this.#backend.port));
  }

  refresh(): Promise<void> {
    if (parseIp(this.#backend.host) !== null) return Promise.resolve();
    this.#pending ??= this.#lookUp().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  async #lookUp(): Promise<void> {
    const { host } = this.#backend;
    try {
      const found = await this.#options.resolve(host);
      if (found.length === 0) this.#failed('no address');
      else this.#resolved(found);
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
    }
  }

  #failed(reason: string): void {
    if (this.#failing) return;
    this.#failing = true;
    const kept = [...this.#known.keys()].join(', ');
    const consequence = kept === '' ? 'peers may reach it until it resolves' : `peers are still kept from ${kept}`;
    this.#options.report(`cannot resolve ${this.#backend.host} (${reason}): ${consequence}`);
  }

  #resolved(found: readonly IpAddress[]): void {
    if (this.#failing) this.#options.report(`${this.#backend.host} resolves again`);
    this.#failing = false;
    const now = this.#options.now();
    for (const ip of found) this.#known.set(ip.text, { ip, until: now + BACKEND_MEMORY });
    for (const [text, { until }] of this.#known) if (until <= now) this.#known.delete(text);
  }
}
