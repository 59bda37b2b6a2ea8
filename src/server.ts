// Starts a server: configuration in, a running server out, in one process or in many. What is opened is closed in the
// reverse order, on failure as on stop. Decides nothing about the protocol.

import { Closers } from './server/closers.ts';
import { openControl } from './server/control-setup.ts';
import { type Foundation, layFoundation, type ServerOptions } from './server/foundation.ts';
import { openMetrics, setUpMetrics } from './server/metrics-setup.ts';
import { openInOneProcess } from './server/one-process.ts';
import { choosePlane, type PlaneChoice } from './server/plane-choice.ts';
import type { RunningControl } from './server/running-control.ts';
import type { RunningServer } from './server/running-server.ts';
import { openWithWorkers } from './server/with-workers.ts';

/** A server that serves, and who controls it. */
export interface StartedServer {
  readonly server: RunningServer;
  readonly control: RunningControl;
}

/** Starts a server. @throws TurnServerError with a sentence that says what failed and what to do */
export async function startServer(options: ServerOptions): Promise<StartedServer> {
  const closers = new Closers();
  try {
    return await open(options, closers);
  } catch (error) {
    const tellToo = (err: unknown): void => options.logger.error({ err }, 'not everything could be closed');
    await closers.close().catch(tellToo); // what failed first is what the operator must know
    throw error;
  }
}

async function open(options: ServerOptions, closers: Closers): Promise<StartedServer> {
  const choice = await choosePlane(options.config);
  const foundation = await layFoundation(options, closers);
  const server = await openShape(foundation, choice, closers);
  const metrics = setUpMetrics(foundation, server);
  const control = await openControl(foundation, server, metrics, closers);
  await openMetrics(foundation, metrics, closers);
  closers.add(() => {
    metrics.health.phase = 'stopping';
    // Before the servers that they read by: none of them is waited for.
    foundation.events.endReaders();
  });
  return { server, control };
}

function openShape(foundation: Foundation, choice: PlaneChoice, closers: Closers): Promise<RunningServer> {
  if (choice.plane === 'linux') return openWithWorkers(foundation, choice, closers);
  const { logger } = foundation;
  if (choice.reason !== null) logger.warn({ event: 'plane', plane: 'portable' }, choice.reason);
  return openInOneProcess(foundation, closers);
}
