// Owns what `turnctl` asks of the running turnd as a whole: status, reload, log-level.

import type { Command } from 'commander';
import type { ServerStatus } from '../control/server-control.ts';
import { type SideTraffic, trafficOf } from '../control/traffic.ts';
import { type DaemonFlags, openDaemon, withDaemonFlags } from './context.ts';
import { describeDrain } from './drain-commands.ts';
import { formatDuration } from './durations.ts';
import { print, properties, remark } from './output.ts';
import { type Finish, runCommand } from './run-command.ts';
import type { CommandIo, ExitStatus } from './terminal-io.ts';
import { UsageError } from './usage-error.ts';

const LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** Adds the commands to the program; `finish` receives the exit status. */
export function addServerCommands(program: Command, io: CommandIo, finish: Finish): void {
  withDaemonFlags(program.command('status').description('show how turnd is doing')).action((flags: DaemonFlags) =>
    runCommand(io, finish, () => showStatus(flags, io)),
  );
  withDaemonFlags(
    program.command('reload').description('read the configuration again, without dropping anyone'),
  ).action((flags: DaemonFlags) => runCommand(io, finish, () => reload(flags, io)));
  withDaemonFlags(
    program
      .command('log-level')
      .argument('[level]', 'else the level is shown')
      .description('show or set the log level, until the next reload'),
  )
    .addHelpText('after', `\nLevels: ${LEVELS.join(', ')}`)
    .action((level: string | undefined, flags: DaemonFlags) =>
      runCommand(io, finish, () => logLevel(level, flags, io)),
    );
}

async function showStatus(flags: DaemonFlags, io: CommandIo): Promise<ExitStatus> {
  const status = await (await openDaemon(flags, io)).status();
  return print({ json: { ...status, traffic: trafficOf(status.counters) }, text: describe(status) }, flags, io);
}

function describe(status: ServerStatus): string {
  const up = formatDuration((Date.now() - status.startedAt) / 1000);
  const { store, workers } = status;
  const traffic = trafficOf(status.counters);
  return properties([
    ['turnd', `${status.version}, pid ${status.pid}, up ${up}`],
    ['allocations', String(status.allocations)],
    ...(status.drain === null ? [] : [['drain', describeDrain(status.drain)] as [string, string]]),
    ['plane', workers === 0 ? `${status.plane}, one process` : `${status.plane}, workers: ${workers}`],
    ['realm', status.realm],
    ...status.listeners.map(({ transport, address }, at): [string, string] => [
      at === 0 ? 'listening' : '',
      `${transport} ${address}`,
    ]),
    ['relayed', status.relayed.join(', ')],
    ['from clients', describeTraffic(traffic.fromClients)],
    ['from peers', describeTraffic(traffic.fromPeers)],
    ['store', store === null ? 'none' : `${store.name}: ${store.isAnswering ? 'answers' : (store.problem ?? 'down')}`],
    ['configuration', status.configFile ?? 'none'],
    ['state', status.stateDir],
    ['log level', status.logLevel],
  ]);
}

function describeTraffic({ received, answered, relayed, dropped }: SideTraffic): string {
  const reasons = Object.entries(dropped).sort(([, left], [, right]) => right - left);
  const total = reasons.reduce((sum, [, count]) => sum + count, 0);
  const told = reasons.map(([name, count]) => `${name} ${count}`).join(', ');
  const parts = [`${received} received`, `${relayed} relayed`, ...(answered === 0 ? [] : [`${answered} answered`])];
  return [...parts, total === 0 ? '0 dropped' : `${total} dropped (${told})`].join(', ');
}

async function reload(flags: DaemonFlags, io: CommandIo): Promise<ExitStatus> {
  const report = await (await openDaemon(flags, io)).reload();
  for (const warning of report.warnings) remark(`warning: ${warning}`, flags, io);
  const restart = report.restart.length === 0 ? [] : [`needs a restart: ${report.restart.join(', ')}`];
  const nothing = restart.length === 0 ? 'nothing has changed' : 'nothing that counts at once has changed';
  const applied = `reloaded: ${report.applied.join(', ') || nothing}`;
  return print({ json: report, text: [applied, ...restart].join('\n'), quiet: report.restart }, flags, io);
}

async function logLevel(level: string | undefined, flags: DaemonFlags, io: CommandIo): Promise<ExitStatus> {
  if (level !== undefined && !LEVELS.includes(level)) throw new UsageError(`the level is one of ${LEVELS.join(', ')}`);
  const daemon = await openDaemon(flags, io);
  if (level !== undefined) await daemon.setLogLevel(level);
  const now = level ?? (await daemon.status()).logLevel;
  return print({ json: { level: now }, text: `log level ${now}`, quiet: level === undefined ? [now] : [] }, flags, io);
}
