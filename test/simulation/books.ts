// What must add up when nothing is under way: what the engines hold, what the model says, and what quota, port table and
// system have on record.

import { PortOwner } from '../../src/planes/port-table.ts';
import type { SimWorker } from './worker-process.ts';
import type { World } from './world.ts';

// An allocation that is over may be noticed so much later, where it is not used (R29).
const SWEEP = 2000;

/** Throws what does not add up. */
export function checkBooks(world: World): void {
  const workers = world.workers.filter((worker) => worker !== null);
  const { main, kernel } = world;
  check(world.desk.size, 0, 'requests are under way');
  check(workers.filter(({ isQuiet }) => !isQuiet).length, 0, 'processes wait for something');
  for (const worker of workers) checkWorker(world, worker);
  const open = workers.reduce((sum, { ledger }) => sum + ledger.open, 0);
  check(main.allocationQuota.counts().allocations, open, 'units of the quota are held');
  // Nobody has redeemed one while nothing happened, and their time is up.
  check(main.reservations.size, 0, 'reservations are held');
  check(main.portsOf(PortOwner.MAIN), main.reservations.size, 'ports are held for reservations');
  check(kernel.heldBy('main'), main.reservations.size, 'sockets are held for reservations');
}

function checkWorker({ model, clients, workers }: World, worker: SimWorker): void {
  const { ledger, engine, udp } = worker;
  const index = workers.indexOf(worker);
  const served = new Set(clients.filter((client) => client.worker === index).map(({ serial }) => serial));
  const isOf = ({ serial }: { serial: number }): boolean => served.has(serial);
  const live = model.allLive().filter(isOf).length;
  const all = [...model.allocations.values()].filter(isOf);
  const lately = all.filter(({ relays }) => relays.some(({ deadline }) => deadline > model.now - SWEEP)).length;
  const open = engine.allocations.size;
  check(ledger.open, open, 'allocations have begun and not ended');
  if (open < live || open > lately)
    throw new Error(`${open} allocations, but ${live} are live, and ${lately} were lately`);
  check(engine.reservations.size, 0, 'reservations are held');
  check(worker.sockets, ledger.relays, 'sockets are open');
  check(worker.owned, ledger.relays, 'ports are marked');
  const lasting = [...engine.allocations.list()].filter(({ endpoint }) => !endpoint.stream).length;
  check(udp.size, lasting, 'five-tuples are kept');
}

function check(found: number, expected: number, what: string): void {
  if (found !== expected) throw new Error(`${found} ${what}, not ${expected}`);
}
