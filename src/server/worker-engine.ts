// The engine of a worker: its own relay sockets on ports of the shared table, and main's services behind the interfaces of
// turn/env.ts.

import type { PortRange } from '../config/address-values.ts';
import { BudgetMemory } from '../limits/budget-memory.ts';
import { ConnectionLimits } from '../limits/connection-limits.ts';
import { ConnectionMemory } from '../limits/connection-memory.ts';
import { MemoryFlag } from '../limits/memory-watch.ts';
import type { Logger } from '../log/logger.ts';
import type { Libc } from '../planes/linux/libc.ts';
import type { LinuxPlane } from '../planes/linux/linux-plane.ts';
import type { LinuxRelaySockets } from '../planes/linux/linux-relay-sockets.ts';
import { mapSharedMemory } from '../planes/linux/shared-memory.ts';
import { PortTable, workerOwner } from '../planes/port-table.ts';
import type { Credentials, Random } from '../turn/env.ts';
import type { Caller } from '../workers/calls.ts';
import type { TaggedDescriptors } from '../workers/descriptors.ts';
import type { MainCalls, StartMessage } from '../workers/messages.ts';
import type { ParentChannel } from '../workers/parent-channel.ts';
import { RemoteQuota } from '../workers/remote-quota.ts';
import { RemoteReservations } from '../workers/remote-reservations.ts';
import { sharedLength, sharedParts } from '../workers/shared-layout.ts';
import { WorkerFd } from '../workers/spawn-worker.ts';
import { type EngineSetup, setUpEngine } from './engine-setup.ts';
import { TableNeighbours } from './table-neighbours.ts';
import type { ToldAddresses } from './told-addresses.ts';

/** What the engine of a worker is made of. */
export interface WorkerEngineParts {
  readonly message: StartMessage;
  readonly channel: ParentChannel;
  readonly caller: Caller<MainCalls>;
  readonly descriptors: TaggedDescriptors;
  readonly addresses: ToldAddresses;
  readonly credentials: Credentials;
  readonly libc: Libc;
  readonly random: Random;
  readonly logger: Logger;
  readonly plane: LinuxPlane;
  /** Whether few file descriptors are left. */
  readonly isShort: () => boolean;
}

/** The engine, and what else of the shared memory is a worker's business. */
export interface WorkerEngine extends EngineSetup {
  /** New relay sockets get ports of this range from now on. */
  setPorts(ports: PortRange): void;
  readonly connections: ConnectionLimits;
  /** Whether memory is short. */
  readonly isShortOfMemory: () => boolean;
}

/** @throws SystemCallError, RangeError for shared memory that main has not made */
export function setUpWorkerEngine(parts: WorkerEngineParts): WorkerEngine {
  const { message, caller, channel, addresses, credentials, libc, random, logger, plane, isShort } = parts;
  const { config, worker, workers, realm } = message;
  const { min: minPort, max: maxPort } = config.relay.ports;
  const sizes = { relayAddresses: addresses.relays.length, workers };
  const shared = sharedParts(mapSharedMemory(libc, WorkerFd.SHARED, sharedLength(sizes)).bytes, sizes);
  const owner = workerOwner(worker - 1);
  const table = new PortTable({ bytes: shared.ports, owner, minPort, maxPort });
  const shown = addresses.shownFor.bind(addresses);
  const isShortOfMemory = new MemoryFlag(shared.memory).isShort;
  const shownMark = addresses.markFor.bind(addresses);
  const relays = plane.relaySockets({ addresses: addresses.relays, shown, shownMark, table, random, isShort });
  const setup = setUpEngine({
    ...{ config, realm, worker, logger, random, relays, credentials, realmData: message.realms },
    budgets: new BudgetMemory(shared.budgets),
    processes: message.workers,
    isShortOfMemory,
    report: message.reports ? (report) => channel.send({ kind: 'status', report }) : null,
    sendEvent: (report) => channel.send({ kind: 'event', report }),
    reservations: remoteReservations(parts, relays),
    capabilities: plane.capabilities,
    own: addresses.own,
    neighbours: new TableNeighbours(table, owner, addresses),
    quota: new RemoteQuota(
      {
        quota: (request) => caller.call('quota', request),
        release: (request) => channel.send({ kind: 'release', request }),
      },
      realm,
    ),
    nonceKey: Buffer.from(message.nonceKey, 'base64'),
  });
  return {
    ...setup,
    setPorts: ({ min, max }) => table.setRange(min, max),
    isShortOfMemory,
    connections: new ConnectionLimits(new ConnectionMemory(shared.connections), worker - 1),
  };
}

function remoteReservations(parts: WorkerEngineParts, relays: LinuxRelaySockets): RemoteReservations {
  const { caller, descriptors, plane, libc } = parts;
  return new RemoteReservations(
    {
      mayHold: (ask) => caller.call('mayHold', ask),
      hold: (ask) => caller.call('hold', ask),
      redeem: (ask) => caller.call('redeem', ask),
    },
    {
      giveAway: (socket) => plane.giveAway(socket),
      adopt: (fd) => relays.adopt(fd),
      send: (tag, fd) => descriptors.send(tag, fd),
      take: (tag) => descriptors.take(tag),
      close: (fd) => void libc.close(fd),
    },
  );
}
