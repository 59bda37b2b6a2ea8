#!/usr/bin/env node
// The turnd daemon: reads flags and configuration, starts the server, and stops it on a signal.

import { parseFlags } from './cli/flags.ts';
import { hideArguments } from './cli/hide-arguments.ts';
import { packageVersion } from './cli/package-version.ts';
import { takeEnvironment } from './cli/take-environment.ts';
import type { Config } from './config/config.ts';
import type { Environment } from './config/environment.ts';
import { systemFileReader } from './config/file-reader.ts';
import { labNote, makeIceServer, urlHost } from './config/ice-servers.ts';
import { loadConfig } from './config/load-config.ts';
import type { ConfigResult } from './config/parse-config.ts';
import { ConfigError, exitStatusOf, TurnServerError } from './errors.ts';
import { openLog, type ServerLog } from './log/server-log.ts';
import { closeDebugger } from './server/close-debugger.ts';
import type { RunningServer } from './server/running-server.ts';
import type { ServiceManager } from './server/service-manager.ts';
import { openServiceManager, takeNotifyVariables } from './server/service-manager-setup.ts';
import { type StartedServer, startServer } from './server.ts';

// A clean stop takes no longer than this.
const STOP_MS = 5000;

async function main(): Promise<void> {
  // Without a handler, SIGUSR1 would open the debugger's port (S60).
  process.on('SIGUSR1', ignore);
  const hadDebugger = closeDebugger();
  // By this one coturn reads its certificates again, and hooks of certbot send it. Until somebody obeys it, it must not
  // end the process.
  process.on('SIGUSR2', ignore);
  const signals = stopSignals();
  const parsed = parseFlags(process.argv.slice(2), packageVersion());
  hideArguments();
  if (parsed.kind === 'exit') {
    process.stdout.write(parsed.stdout);
    process.stderr.write(parsed.stderr);
    process.exitCode = parsed.status;
    return;
  }
  const env = takeEnvironment(process.env);
  takeNotifyVariables(process.env);
  const reload = (): ConfigResult => load(parsed.flags, parsed.configFile, env);
  const result = reload();
  if (!result.ok) throw new ConfigError(result.errors);
  const { config, warnings, tree } = result;
  const isTerminal = process.stdout.isTTY === true;
  const log = openLog({ ...config.log, isTerminal });
  for (const warning of warnings) log.logger.warn({ event: 'config' }, warning);
  if (hadDebugger) log.logger.warn({ event: 'unsafe' }, 'NODE_OPTIONS has opened a debugger, which was closed');
  const forward = (line: string): void => log.forward(line);
  const starting = startServer({ config, tree, logger: log.logger, forward, version: packageVersion(), reload });
  const manager = openServiceManager(env, log.logger);
  obeySignals(signals, { starting, manager, log });
  try {
    const { server, control } = await starting;
    announce(server, config, log);
    tellManager(await manager, { server, control });
    // As coturn does on this signal: the hooks of certificate clients send it.
    process.on('SIGUSR2', () => control.renewCertificates());
    server.failed.then((reason) => giveUp(server, log, reason)).catch(ignore);
  } catch (error) {
    await log.close();
    throw error;
  }
}

function load(
  flags: Parameters<typeof loadConfig>[0]['flags'],
  configFile: string | null,
  env: Environment,
): ConfigResult {
  return loadConfig({ flags, configFile, env, cwd: process.cwd(), reader: systemFileReader });
}

function announce(server: RunningServer, config: Config, log: ServerLog): void {
  const { listeners, shown: relayed, labUser, plane, workers } = server;
  if (config.auth.anonymous) log.logger.warn({ event: 'unsafe' }, 'anyone may relay: --anonymous is for labs only');
  if (config.peers.unsafeAllowLoopback) {
    log.logger.warn(
      { event: 'unsafe' },
      'clients may reach services of this host: --unsafe-allow-loopback-peers is for labs only',
    );
  }
  const version = packageVersion();
  log.logger.info({ event: 'ready', version, pid: process.pid, plane, workers, listeners, relayed }, 'ready');
  if (labUser === null) return;
  const iceServer = makeIceServer({
    host: urlHost(relayed, listeners),
    listeners,
    trustedCertificate: server.trustedCertificate,
    username: labUser.name,
    credential: labUser.password,
  });
  log.print(labNote(iceServer, new URL('../../docs/check.html', import.meta.url).href));
}

/** What signals are obeyed on. */
interface Life {
  readonly starting: Promise<StartedServer>;
  readonly manager: Promise<ServiceManager>;
  readonly log: ServerLog;
}

function obeySignals(signals: StopSignals, life: Life): void {
  const { starting, manager, log } = life;
  process.on('SIGHUP', () => hangUp(starting, log));
  signals.politely.then(async () => retire(await manager, await starting)).catch(ignore);
  const drained = starting.then(({ control }) => control.drained);
  Promise.race([drained, signals.atOnce])
    .then((signal) => close(life, signal ?? signals.first()))
    .catch(ignore);
}

/** Whoever awaits them later misses none. */
interface StopSignals {
  /** A service manager's word: calls may end by themselves, within bounds. */
  readonly politely: Promise<NodeJS.Signals>;
  /** Said twice, or by a person at the keyboard. */
  readonly atOnce: Promise<NodeJS.Signals>;
  /** The one that came first; null if none has: then a command has told turnd to end. */
  first(): NodeJS.Signals | null;
}

function stopSignals(): StopSignals {
  let count = 0;
  let first: NodeJS.Signals | null = null;
  const politely = new Promise<NodeJS.Signals>((resolve) => {
    process.on('SIGTERM', (signal) => {
      first ??= signal;
      resolve(signal);
    });
  });
  const atOnce = new Promise<NodeJS.Signals>((resolve) => {
    process.on('SIGINT', resolve);
    process.on('SIGTERM', (signal) => {
      if (++count === 2) resolve(signal);
    });
  });
  return { politely, atOnce, first: () => first };
}

function tellManager(manager: ServiceManager, { server, control }: StartedServer): void {
  control.observe(manager);
  manager.ready(() => ({
    allocations: server.allocations(),
    workers: server.workers,
    isDraining: control.isDraining,
    isAlive: server.isAlive(),
  }));
}

function retire(manager: ServiceManager, { control }: StartedServer): void {
  control.retire();
  manager.stopping();
}

// A signal that comes too early is obeyed once the server has started; one that cannot start ends anyhow.
async function close({ starting, manager, log }: Life, signal: NodeJS.Signals | null): Promise<void> {
  setTimeout(() => process.exit(1), STOP_MS).unref();
  const { server } = await starting;
  (await manager).stopping();
  log.logger.info({ event: 'stopping', signal, allocations: server.allocations() }, 'stopping');
  await server.close().catch((error) => log.logger.error({ err: error }, 'not everything could be closed'));
  const isWritten = await log.close();
  process.exit(isWritten ? 0 : 1);
}

// The log first: log rotation must work whatever the configuration has become. Refusals are lines of the log.
function hangUp(starting: Promise<StartedServer>, log: ServerLog): void {
  log.reopen();
  starting.then(({ control }) => control.reload()).catch(ignore);
}

// What made it fail would make it fail again: whoever starts it, a service manager, decides when.
async function giveUp(server: RunningServer, log: ServerLog, reason: string): Promise<void> {
  setTimeout(() => process.exit(1), STOP_MS).unref();
  log.logger.fatal({ event: 'failed' }, reason);
  await server.close().catch((error) => log.logger.error({ err: error }, 'not everything could be closed'));
  await log.close();
  process.stderr.write(`turnd: ${reason}\n`);
  process.exit(1);
}

function ignore(): void {}

main().catch((error: unknown) => {
  const known = error instanceof TurnServerError;
  const text = known ? error.message : String((error as Error)?.stack ?? error);
  // Every line says whose it is: a journal mixes programs.
  process.stderr.write(`${text.replaceAll(/^/gm, 'turnd: ')}\n`);
  process.exitCode = exitStatusOf(error);
});
