// What the workers of a server share, as main keeps it: users, quota, relay ports and reservations. What a dead worker
// held of them returns here.

import type { PortRange } from '../config/address-values.ts';
import { BudgetMemory } from '../limits/budget-memory.ts';
import { ConnectionMemory } from '../limits/connection-memory.ts';
import { MemoryFlag } from '../limits/memory-watch.ts';
import { AllocationQuota, type QuotaLimits } from '../limits/quota.ts';
import { UserSlots } from '../limits/user-slots.ts';
import type { Libc } from '../planes/linux/libc.ts';
import { createSharedMemory, type SharedMemory } from '../planes/linux/shared-memory.ts';
import { PortOwner, PortTable, workerOwner } from '../planes/port-table.ts';
import type { IpFamily } from '../stun/ip-address.ts';
import type { CallHandlers } from '../workers/calls.ts';
import { credentialHandlers } from '../workers/credential-service.ts';
import type { MainCalls, WireEndpoint, WireQuotaRequest } from '../workers/messages.ts';
import { nodeTimers } from '../workers/node-timers.ts';
import { QuotaService } from '../workers/quota-service.ts';
import { ReservationService, type ReservedSocket } from '../workers/reservation-service.ts';
import { sharedLength, sharedParts } from '../workers/shared-layout.ts';
import type { WorkerLine } from '../workers/worker-fleet.ts';
import type { Foundation } from './foundation.ts';

const TICK_MS = 1000;

/** The shared state of all workers. */
export class MainServices {
  readonly #foundation: Foundation;
  readonly #libc: Libc;
  readonly #memory: SharedMemory;
  readonly #ports: Uint8Array;
  #portRange: PortRange;
  readonly #quota: QuotaService;
  readonly #reservations: ReservationService;
  /** Tells all workers whether memory is short. */
  readonly memoryFlag: MemoryFlag;
  readonly #stopTicking: () => void;
  #nextTag = 1;

  /** @throws SystemCallError where the system gives no shared memory */
  constructor(foundation: Foundation, libc: Libc, workers: number) {
    const { config, relay, random } = foundation;
    this.#foundation = foundation;
    this.#libc = libc;
    const sizes = { relayAddresses: relay.addresses.length, workers };
    this.#memory = createSharedMemory(libc, sharedLength(sizes));
    const { ports, budgets, connections, memory } = sharedParts(this.#memory.bytes, sizes);
    this.#ports = ports;
    this.#portRange = config.relay.ports;
    this.memoryFlag = new MemoryFlag(memory);
    const budgetMemory = new BudgetMemory(budgets);
    budgetMemory.sow(random);
    new ConnectionMemory(connections).sow(random);
    const slots = new UserSlots(budgetMemory.table('user-rates'), () => nodeTimers.now());
    this.#quota = new QuotaService(new AllocationQuota(config.limits, slots), foundation.directory.realm);
    this.#reservations = new ReservationService({
      random,
      now: () => nodeTimers.now(),
      expired: ({ fd, row, port }) => {
        libc.close(fd);
        this.#tableOf(PortOwner.MAIN).release(row, port);
      },
    });
    this.#stopTicking = nodeTimers.every(TICK_MS, () => this.#reservations.tick());
  }

  /** The descriptor of the memory that workers inherit and share. */
  get sharedFd(): number {
    return this.#memory.fd;
  }

  /** Live allocations of all workers: each has a unit of the quota. */
  get allocations(): number {
    return this.#quota.allocations;
  }

  /** How many relay ports of a family are free, over all its addresses. */
  freePorts(family: IpFamily): number {
    const table = this.#tableOf(PortOwner.MAIN);
    const { addresses } = this.#foundation.relay;
    return addresses.reduce((sum, ip, row) => (ip.family === family ? sum + table.free(row) : sum), 0);
  }

  /** How the questions of a worker are answered. */
  handlers(worker: number, line: WorkerLine): CallHandlers<MainCalls> {
    return {
      ...credentialHandlers(this.#foundation.directory.credentials),
      quota: (request) => this.#quota.acquire(worker, request),
      mayHold: ({ holder, limit }) => this.#reservations.mayHold(holder, limit),
      hold: ({ tag, local, holder }) => {
        const fd = line.descriptors.take(tag);
        return fd === null ? null : this.#hold(worker, fd, local, holder);
      },
      redeem: ({ token }) => this.#redeem(worker, token, line),
    };
  }

  /** The limits of the quota from now on. */
  setLimits(limits: QuotaLimits): void {
    this.#quota.setLimits(limits);
  }

  /** Where relay ports are from now on. Those that are held outside of it stay held. */
  setPorts(range: PortRange): void {
    this.#portRange = range;
  }

  /** An allocation of a worker has ended. */
  release(worker: number, request: WireQuotaRequest): void {
    this.#quota.release(worker, request);
  }

  /** A worker is gone: whatever it held is free. */
  gone(worker: number): void {
    this.#quota.releaseAll(worker);
    this.#tableOf(PortOwner.MAIN).releaseAll(workerOwner(worker - 1));
  }

  close(): void {
    this.#stopTicking();
    this.#reservations.close();
    this.#memory.close();
  }

  #hold(worker: number, fd: number, { ip, port }: WireEndpoint, holder: string | null): string | null {
    const row = this.#foundation.relay.addresses.findIndex((address) => address.text === ip);
    const isHeld = row >= 0 && this.#tableOf(workerOwner(worker - 1)).setOwner(row, port, PortOwner.MAIN);
    if (isHeld) return this.#reservations.hold({ fd, row, port, holder });
    this.#libc.close(fd);
    return null;
  }

  #redeem(worker: number, token: string, line: WorkerLine): { readonly tag: string } | null {
    const tag = `redeem ${this.#nextTag++}`;
    const take = ({ fd, row, port }: ReservedSocket): boolean => {
      if (!line.descriptors.send(tag, fd)) return false;
      this.#tableOf(PortOwner.MAIN).setOwner(row, port, workerOwner(worker - 1));
      this.#libc.close(fd);
      return true;
    };
    return this.#reservations.redeem(token, take) ? { tag } : null;
  }

  // The table as somebody sees it: only its owner can give a port away.
  #tableOf(owner: number): PortTable {
    const { min: minPort, max: maxPort } = this.#portRange;
    return new PortTable({ bytes: this.#ports, owner, minPort, maxPort });
  }
}
