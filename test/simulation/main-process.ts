// The main process of a simulated server: the real quota and reservation services, put together as
// src/server/main-services.ts does, and what returns to them when a worker dies.

import type { AllocationQuota } from '../../src/limits/quota.ts';
import { PortOwner, PortTable, workerOwner } from '../../src/planes/port-table.ts';
import type { Credentials } from '../../src/turn/env.ts';
import type { CallHandlers } from '../../src/workers/calls.ts';
import { credentialHandlers } from '../../src/workers/credential-service.ts';
import type { MainCalls, WireEndpoint } from '../../src/workers/messages.ts';
import { QuotaService } from '../../src/workers/quota-service.ts';
import { ReservationService, type ReservedSocket } from '../../src/workers/reservation-service.ts';
import { REALM } from '../support/lab.ts';
import { quotaOf } from '../support/quota.ts';
import type { Kernel } from './kernel.ts';
import { FIRST_PORT, RELAY_ADDRESSES } from './model-state.ts';
import type { Timeline } from './timeline.ts';

/** What main is made with. */
export interface MainParts {
  readonly timeline: Timeline;
  readonly kernel: Kernel;
  readonly credentials: Credentials;
  readonly random: { fill(target: Uint8Array): void };
  /** Relay ports of each family. */
  readonly ports: number;
  /** Main has refused a unit. */
  readonly refused: () => void;
}

/** A worker's end of what carries descriptors. */
export interface DescriptorBag {
  readonly holder: string;
  readonly tags: Map<string, number>;
}

/** What all workers share. */
export class SimMain {
  readonly quota: QuotaService;
  readonly reservations: ReservationService;
  readonly allocationQuota: AllocationQuota;
  /** One byte per relay address and port. */
  readonly bytes: Uint8Array = new Uint8Array(PortTable.byteLength(RELAY_ADDRESSES.length));
  readonly #parts: MainParts;
  #nextTag = 1;

  constructor(parts: MainParts) {
    this.#parts = parts;
    this.allocationQuota = quotaOf({ allocations: 0, allocationsPerClientAddress: 0 });
    this.quota = new QuotaService(this.allocationQuota, REALM);
    this.reservations = new ReservationService({
      random: parts.random,
      now: () => parts.timeline.now(),
      expired: ({ fd, row, port }) => {
        parts.kernel.close(fd);
        this.tableOf(PortOwner.MAIN).release(row, port);
      },
    });
    parts.timeline.every(1000, () => this.reservations.tick());
  }

  /** How the questions of a worker are answered. */
  handlers(worker: number, bag: DescriptorBag): CallHandlers<MainCalls> {
    return {
      ...credentialHandlers(this.#parts.credentials),
      quota: (request) => {
        const granted = this.quota.acquire(worker, request);
        if (!granted) this.#parts.refused();
        return granted;
      },
      mayHold: ({ holder, limit }) => {
        const may = this.reservations.mayHold(holder, limit);
        if (!may) this.#parts.refused();
        return may;
      },
      hold: ({ tag, local, holder }) => this.#hold(worker, take(bag, tag), local, holder),
      redeem: ({ token }) => this.#redeem(worker, token, bag),
    };
  }

  /** A worker is gone: whatever it held is free. */
  gone(worker: number): void {
    this.quota.releaseAll(worker);
    this.tableOf(PortOwner.MAIN).releaseAll(workerOwner(worker - 1));
  }

  /** The port table as an owner sees it. */
  tableOf(owner: number): PortTable {
    return new PortTable({
      bytes: this.bytes,
      owner,
      minPort: FIRST_PORT,
      maxPort: FIRST_PORT + this.#parts.ports - 1,
    });
  }

  /** Ports of an owner. */
  portsOf(owner: number): number {
    let count = 0;
    for (const byte of this.bytes) if (byte === owner) count++;
    return count;
  }

  #hold(worker: number, sent: number | null, { ip, port }: WireEndpoint, holder: string | null): string | null {
    const { kernel } = this.#parts;
    if (sent === null) return null;
    const fd = kernel.duplicate(sent, 'main');
    kernel.close(sent);
    const row = RELAY_ADDRESSES.findIndex((address) => address.ip.text === ip);
    const isHeld = row >= 0 && this.tableOf(workerOwner(worker - 1)).setOwner(row, port, PortOwner.MAIN);
    if (isHeld) return this.reservations.hold({ fd, row, port, holder });
    kernel.close(fd);
    return null;
  }

  #redeem(worker: number, token: string, bag: DescriptorBag): { readonly tag: string } | null {
    const { kernel } = this.#parts;
    const tag = `redeem ${this.#nextTag++}`;
    const hand = ({ fd, row, port }: ReservedSocket): boolean => {
      bag.tags.set(tag, kernel.duplicate(fd, bag.holder));
      this.tableOf(PortOwner.MAIN).setOwner(row, port, workerOwner(worker - 1));
      kernel.close(fd);
      return true;
    };
    return this.reservations.redeem(token, hand) ? { tag } : null;
  }
}

/** Takes a descriptor out of the bag. It is the bag's until somebody duplicates it. */
export function take({ tags }: DescriptorBag, tag: string): number | null {
  const fd = tags.get(tag) ?? null;
  tags.delete(tag);
  return fd;
}
