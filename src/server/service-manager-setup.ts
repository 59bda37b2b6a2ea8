// Finds the service manager that has started this process, by the environment, and a way to speak to it.

import { spawn } from 'node:child_process';
import { hrtime } from 'node:process';
import type { Logger } from '../log/logger.ts';
import { loadLibc } from '../planes/linux/libc.ts';
import { openNotifySocket } from '../planes/linux/notify-socket.ts';
import { nodeTimers } from '../workers/node-timers.ts';
import { ServiceManager } from './service-manager.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;

/** Opens the way; without a service manager nobody is told. @param env variables as the process was started with */
export async function openServiceManager(env: Environment, logger: Logger): Promise<ServiceManager> {
  const socket = env['NOTIFY_SOCKET'];
  const send = socket === undefined || socket === '' ? tellNobody : await openWay(socket, logger);
  return new ServiceManager({
    send,
    timers: nodeTimers,
    monotonicMicroseconds: () => hrtime.bigint() / 1000n,
    watchdogMs: send === tellNobody ? null : watchdogOf(env),
  });
}

/** Takes what a service manager says to this process out of an environment that children would inherit. */
export function takeNotifyVariables(env: NodeJS.ProcessEnv): void {
  for (const name of VARIABLES) delete env[name];
}

async function openWay(socket: string, logger: Logger): Promise<(text: string) => void> {
  try {
    const { send } = openNotifySocket(await loadLibc(), socket);
    return send;
  } catch (error) {
    const why = `${(error as Error).message}: systemd-notify is run instead, which takes NotifyAccess=all`;
    logger.warn({ event: 'service-manager' }, `the service manager cannot be told directly: ${why}`);
    return (text) => runProgram(socket, text, logger);
  }
}

// One at a time would be better, but each is over in milliseconds, and the order of what is said matters little.
function runProgram(socket: string, text: string, logger: Logger): void {
  const child = spawn('systemd-notify', text.split('\n'), {
    stdio: 'ignore',
    env: { ...process.env, NOTIFY_SOCKET: socket },
  });
  child.once('error', (error) => {
    logger.warn({ event: 'service-manager' }, `systemd-notify cannot be run: ${error.message}`);
  });
}

// WATCHDOG_PID says whom it is meant for: this process, or whoever has started it.
function watchdogOf(env: Environment): number | null {
  const { WATCHDOG_USEC: microseconds = '', WATCHDOG_PID: pid } = env;
  if (pid !== undefined && pid !== String(process.pid)) return null;
  const milliseconds = /^\d{1,15}$/.test(microseconds) ? Number(microseconds) / 1000 : 0;
  return milliseconds > 0 ? milliseconds : null;
}

function tellNobody(): void {}
