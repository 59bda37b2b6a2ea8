// Reads the observer's events as a bookkeeper would: what begins must end, in order, exactly once.

import type { Allocation, Relay } from '../../src/turn/allocation.ts';
import type { Channel } from '../../src/turn/channel.ts';
import type { Observer } from '../../src/turn/env.ts';

interface Account {
  readonly relays: Set<string>;
  readonly channels: Set<Channel>;
}

/** Finds events that contradict each other. */
export class Ledger implements Observer {
  /** What does not add up; the simulation stops at the first. */
  readonly faults: string[];
  /** How many events of each kind there were. */
  readonly counts: Map<string, number> = new Map();
  readonly #open: Map<Allocation, Account> = new Map();
  readonly #relayed: Set<string> = new Set();
  readonly #ids: Set<number> = new Set();

  /** @param faults shared by all ledgers of a server */
  constructor(faults: string[]) {
    this.faults = faults;
  }

  /** Allocations that have begun and not ended. */
  get open(): number {
    return this.#open.size;
  }

  /** How many relayed addresses are in use according to the events. */
  get relays(): number {
    return this.#relayed.size;
  }

  allocated(allocation: Allocation): void {
    this.#count('allocated');
    const relays = allocation.relays().map((relay) => relay.relayed.text);
    for (const address of relays) {
      this.#check(!this.#relayed.has(address), `${address} is allocated twice`);
      this.#relayed.add(address);
    }
    this.#check(
      relays.length > 0 && !this.#ids.has(allocation.id),
      `allocation ${allocation.id} is odd or begins twice`,
    );
    this.#ids.add(allocation.id);
    this.#open.set(allocation, { relays: new Set(relays), channels: new Set() });
  }

  refreshed(allocation: Allocation): void {
    this.#account(allocation, 'refreshed');
  }

  relayReleased(allocation: Allocation, relay: Relay): void {
    const account = this.#account(allocation, 'relayReleased');
    this.#relayed.delete(relay.relayed.text);
    this.#check(
      account?.relays.delete(relay.relayed.text) === true,
      `${relay.relayed.text} is released but not in use`,
    );
  }

  released(allocation: Allocation): void {
    const account = this.#account(allocation, 'released');
    this.#check(account?.relays.size === 0, `allocation ${allocation.id} ends with relayed addresses`);
    this.#check(account?.channels.size === 0, `allocation ${allocation.id} ends with channels`);
    this.#open.delete(allocation);
  }

  permissionInstalled(allocation: Allocation): void {
    this.#account(allocation, 'permissionInstalled');
  }

  channelBound(allocation: Allocation, channel: Channel): void {
    const account = this.#account(allocation, 'channelBound');
    const numbers = [...(account?.channels ?? [])].map(({ number }) => number);
    this.#check(!numbers.includes(channel.number), `channel ${channel.number} is bound twice`);
    account?.channels.add(channel);
  }

  channelUnbound(allocation: Allocation, channel: Channel): void {
    const account = this.#account(allocation, 'channelUnbound');
    this.#check(account?.channels.delete(channel) === true, `channel ${channel.number} is unbound but was not bound`);
  }

  authFailed(): void {
    this.#count('authFailed');
  }

  peerDenied(allocation: Allocation): void {
    this.#account(allocation, 'peerDenied');
  }

  overRate(allocation: Allocation): void {
    this.#account(allocation, 'overRate');
  }

  rejected(): void {
    this.#count('rejected');
  }

  failed(error: unknown): void {
    this.faults.push(`the engine failed: ${error instanceof Error ? error.stack : String(error)}`);
  }

  #account(allocation: Allocation, event: string): Account | undefined {
    this.#count(event);
    const account = this.#open.get(allocation);
    this.#check(account !== undefined, `${event} of allocation ${allocation.id}, which is not alive`);
    return account;
  }

  #count(event: string): void {
    this.counts.set(event, (this.counts.get(event) ?? 0) + 1);
  }

  #check(holds: boolean, fault: string): void {
    if (!holds) this.faults.push(fault);
  }
}
