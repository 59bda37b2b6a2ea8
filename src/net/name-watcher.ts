// Keeps the addresses of a DNS name: resolved at the start and again and again. Knows nothing of what they are for.

import { lookup } from 'node:dns/promises';
import { type IpAddress, type IpFamily, parseIp } from '../stun/ip-address.ts';

/** All addresses of a name, of both families; rejects when there are none. */
export type ResolveName = (name: string) => Promise<IpAddress[]>;

/** Runs a task every `ms` milliseconds, first after `ms`, until the returned function is called. */
export type Every = (ms: number, task: () => void) => () => void;

/** How often a name is resolved again. */
export const RESOLVE_INTERVAL = 60_000;

/** What {@link NameWatcher} works with. */
export interface NameWatcherOptions {
  readonly resolve: ResolveName;
  readonly every: Every;
  /** Takes one sentence for the log: when a name stops resolving, and when it does again. */
  readonly report: (message: string) => void;
  readonly onChange: () => void;
}

/**
 * The address of a name per family. What a later answer lacks keeps its last value: resolvers lose answers more
 * often than operators take an address away. An answer in another order changes nothing.
 */
export class NameWatcher {
  readonly name: string;
  readonly #options: NameWatcherOptions;
  readonly #stop: () => void;
  #ipv4: IpAddress | null = null;
  #ipv6: IpAddress | null = null;
  #failing = false;
  #pending = false;
  #closed = false;

  /** Starts the timer; the first resolution is the first {@link refresh}. */
  constructor(name: string, options: NameWatcherOptions) {
    this.name = name;
    this.#options = options;
    this.#stop = options.every(RESOLVE_INTERVAL, () => void this.refresh());
  }

  /** The address in this family, or null while none is known. */
  address(family: IpFamily): IpAddress | null {
    return family === 4 ? this.#ipv4 : this.#ipv6;
  }

  /** Resolves now, unless an earlier resolution is still under way. Never rejects. */
  async refresh(): Promise<void> {
    if (this.#pending) return;
    this.#pending = true;
    const found = await this.#options.resolve(this.name).catch(asError);
    this.#pending = false;
    if (this.#closed) return;
    if (found instanceof Error) this.#failed(found.message);
    else if (found.length === 0) this.#failed('no address');
    else this.#resolved(found);
  }

  /** Stops. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#stop();
  }

  #failed(reason: string): void {
    if (this.#failing) return;
    this.#failing = true;
    const kept = [this.#ipv4, this.#ipv6].flatMap((ip) => ip?.text ?? []).join(', ');
    this.#options.report(
      `cannot resolve ${this.name} (${reason}): ${kept === '' ? 'not used yet' : `keeping ${kept}`}`,
    );
  }

  #resolved(found: readonly IpAddress[]): void {
    if (this.#failing) this.#options.report(`${this.name} resolves again`);
    this.#failing = false;
    const ipv4 = choose(this.#ipv4, found, 4);
    const ipv6 = choose(this.#ipv6, found, 6);
    if (ipv4 === this.#ipv4 && ipv6 === this.#ipv6) return;
    this.#ipv4 = ipv4;
    this.#ipv6 = ipv6;
    this.#options.onChange();
  }
}

/** Asks the system's resolver, `/etc/hosts` included. */
export async function resolveName(name: string): Promise<IpAddress[]> {
  const found = await lookup(name, { all: true });
  return found.flatMap(({ address }) => parseIp(address) ?? []);
}

/** A timer that does not keep the process alive. */
export function everyInterval(ms: number, task: () => void): () => void {
  const timer = setInterval(task, ms);
  timer.unref();
  return () => clearInterval(timer);
}

function choose(last: IpAddress | null, found: readonly IpAddress[], family: IpFamily): IpAddress | null {
  if (last !== null && found.some((ip) => ip.equals(last))) return last;
  return found.find((ip) => ip.family === family) ?? last;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
