// Owns `turnctl events`: what happens in a running turnd, as it happens.

import type { Command } from 'commander';
import { UnreachableError } from '../control/control-transport.ts';
import type { FollowedEvent } from '../control/event-client.ts';
import { EVENT_TYPES, type EventType } from '../events/event-types.ts';
import { type DaemonFlags, onlyRealm, openDaemon, withDaemonFlags } from './context.ts';
import { formatBytes, formatDuration } from './durations.ts';
import { shown } from './output.ts';
import { type Finish, runCommand } from './run-command.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';
import { UsageError } from './usage-error.ts';

interface EventFlags extends DaemonFlags {
  readonly type?: readonly string[];
  readonly realm?: string;
  readonly user?: string;
}

const TYPE_WIDTH = Math.max(...EVENT_TYPES.map((type) => type.length));

/** Adds the command to the program; `finish` receives the exit status. */
export function addEventsCommand(program: Command, io: CommandIo, finish: Finish): void {
  withDaemonFlags(program.command('events').description('follow what happens to sessions, until Ctrl-C'))
    .option('--type <types...>', 'only these types, with commas between them')
    .option('--realm <realm>', 'only of this realm')
    .option('--user <name>', 'only of this user')
    .addHelpText('after', `\nTypes: ${EVENT_TYPES.join(', ')}\nWith --json each event is a line of its own.`)
    .action((flags: EventFlags) => runCommand(io, finish, () => follow(flags, io)));
}

async function follow(flags: EventFlags, io: CommandIo): Promise<ExitStatus> {
  const types = typesOf(flags);
  const realm = onlyRealm(flags);
  const daemon = await openDaemon(flags, io);
  const take = (event: FollowedEvent): void =>
    io.out(`${flags.json === true ? JSON.stringify(event) : describeEvent(event)}\n`);
  const signal = io.outputClosed;
  await daemon.followEvents({ types, realm, user: flags.user ?? null }, { take, signal });
  if (signal?.aborted === true) return ExitStatus.ok;
  throw new UnreachableError('silent', 'turnd has ended the stream of events: it stops, or the token is gone');
}

function typesOf({ type }: EventFlags): readonly EventType[] | null {
  if (type === undefined) return null;
  const names = type.flatMap((text) => text.split(','));
  const known = EVENT_TYPES.filter((one) => names.includes(one));
  if (names.every((name) => EVENT_TYPES.some((one) => one === name))) return known;
  throw new UsageError(`--type: expected ${EVENT_TYPES.join(', ')}`);
}

/** One line for people. */
export function describeEvent(event: FollowedEvent): string {
  if (event.type === 'lost') return `-- ${event.count ?? 'some'} events were missed`;
  const time = new Date(event.time).toISOString();
  if (event.type === 'dropped') return `${time}  -- ${event.count} more events ${event.of} were not told of`;
  const head = `${time}  ${event.type.padEnd(TYPE_WIDTH)}`;
  return [head, ...('session' in event ? [`session ${event.session}`] : []), ...factsOf(event).map(shown)].join('  ');
}

function factsOf(event: Exclude<FollowedEvent, { readonly type: 'lost' | 'dropped' }>): string[] {
  const who = `${event.user || '(anonymous)'}@${event.realm}`;
  const whence = `${event.client} (${event.transport})`;
  switch (event.type) {
    case 'allocated':
    case 'refreshed':
      return [who, whence, `relayed ${event.relayed.join(', ')}`, `for ${formatDuration(event.lifetime)}`];
    case 'permission':
      return [who, whence, `peer ${event.peer}`];
    case 'channel':
      return [who, whence, `peer ${event.peer}`, `channel 0x${event.channel.toString(16)}`];
    case 'traffic':
      return [who, whence, ...trafficOf(event)];
    case 'released':
      return [who, whence, ...trafficOf(event), `after ${formatDuration(event.duration)}`, event.reason];
    case 'denied':
      return [who, whence, `peer ${event.peer}${event.port === 0 ? '' : ` port ${event.port}`}`, event.reason];
    case 'auth-failed':
      return [who, whence, event.reason];
  }
}

function trafficOf({
  bytesFromClient,
  bytesToClient,
}: {
  readonly bytesFromClient: number;
  readonly bytesToClient: number;
}): string[] {
  return [`sent ${formatBytes(bytesFromClient)}`, `received ${formatBytes(bytesToClient)}`];
}
