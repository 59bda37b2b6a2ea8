// Opens the control socket of a running server.

import { openControlSocket } from '../control/control-socket.ts';
import { ControlError } from '../errors.ts';
import type { Closers } from './closers.ts';
import type { Foundation } from './foundation.ts';
import { RunningControl } from './running-control.ts';
import type { RunningServer } from './running-server.ts';

/** @throws ControlError for a socket that was asked for and cannot be had */
export async function openControl(foundation: Foundation, server: RunningServer, closers: Closers): Promise<void> {
  const { config, logger } = foundation;
  const { socket: path, isDefault } = config.control;
  if (path === null) return;
  const report = (err: unknown): void =>
    logger.error({ err }, 'a request to the control socket failed: please report this');
  try {
    const control = new RunningControl({ foundation, server });
    closers.add(() => control.close());
    const socket = await openControlSocket({ path, control, report });
    closers.add(() => socket.close());
  } catch (error) {
    if (!(isDefault && error instanceof ControlError)) throw error;
    logger.warn({ event: 'control' }, `${error.message}. turnd runs without it`);
  }
}
