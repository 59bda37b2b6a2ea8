// Owns `turnctl session`: the live allocations of a running turnd.

import type { Command } from 'commander';
import { quote } from '../control/admin-input.ts';
import { AdminError } from '../control/administration.ts';
import type { ControlClient, SessionPage } from '../control/control-client.ts';
import { parseIp } from '../stun/ip-address.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import { type DaemonFlags, onlyRealm, openDaemon, withDaemonFlags } from './context.ts';
import { formatBytes, formatDuration } from './durations.ts';
import { print, properties, table } from './output.ts';
import { type DestructiveFlags, type Finish, isConfirmed, runCommand } from './run-command.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';
import { UsageError } from './usage-error.ts';

type SessionInfo = SessionPage['sessions'][number];
type SessionDetail = Awaited<ReturnType<ControlClient['session']>>;
type SessionSelector = Parameters<ControlClient['end']>[0];

interface SessionFlags extends DaemonFlags, DestructiveFlags {
  readonly user?: string;
  readonly realm?: string;
  readonly client?: string;
  readonly transport?: string;
  readonly limit?: string;
}

const PAGE = 1000;
const MAX_PORT = 65_535;
const TRANSPORTS: readonly string[] = ['udp', 'tcp', 'tls'];

/** Adds the group to the program; `finish` receives the exit status. */
export function addSessionCommands(program: Command, io: CommandIo, finish: Finish): void {
  const group = program.command('session').description('live allocations');
  withDaemonFlags(group.command('list').description('list sessions'))
    .option('--user <name>', 'only of this user')
    .option('--realm <realm>', 'only of this realm')
    .option('--client <address>', 'only of this client: IP, or IP:port')
    .option('--transport <transport>', `only of this transport: ${TRANSPORTS.join(', ')}`)
    .option('--limit <number>', 'so many at most')
    .action((flags: SessionFlags) => runCommand(io, finish, () => listSessions(flags, io)));
  withDaemonFlags(
    group.command('show').argument('<id>', 'as session list shows it').description('show one session with its peers'),
  ).action((id: string, flags: SessionFlags) => runCommand(io, finish, () => showSession(id, flags, io)));
  withDaemonFlags(
    group.command('end').argument('[id]', 'as session list shows it').description('end one session, or all of a user'),
  )
    .option('--user <name>', 'all sessions of this user')
    .option('--realm <realm>', 'of this realm only, with --user')
    .option('--yes', 'do not ask')
    .action((id: string | undefined, flags: SessionFlags) => runCommand(io, finish, () => endSessions(id, flags, io)));
}

async function listSessions(flags: SessionFlags, io: CommandIo): Promise<ExitStatus> {
  const limit = flags.limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber('--limit', flags.limit);
  if (flags.transport !== undefined && !TRANSPORTS.includes(flags.transport))
    throw new UsageError(`--transport: expected ${TRANSPORTS.join(', ')}`);
  const sessions = await collect(await openDaemon(flags, io), flags, limit);
  const head = ['ID', 'USER', 'REALM', 'CLIENT', 'VIA', 'RELAYED', 'AGE', 'LEFT', 'PEERS', 'SENT', 'RECEIVED'];
  const text = () => table(head, sessions.map(rowOf), 'no sessions');
  return print({ json: { sessions }, text, quiet: sessions.map(({ id }) => String(id)) }, flags, io);
}

async function collect(daemon: ControlClient, flags: SessionFlags, limit: number): Promise<readonly SessionInfo[]> {
  const { user = null, transport = null } = flags;
  const realm = onlyRealm(flags);
  const client = flags.client === undefined ? null : clientOf(flags.client);
  const all: SessionInfo[] = [];
  let after: number | null = 0;
  while (after !== null && all.length < limit) {
    const size = Math.min(PAGE, limit - all.length);
    const page = await daemon.sessions({ user, realm, client, transport, after, limit: size });
    all.push(...page.sessions);
    after = page.next;
  }
  return all;
}

function rowOf(session: SessionInfo): string[] {
  return [
    String(session.id),
    session.user,
    session.realm,
    session.client,
    session.transport,
    session.relayed.join(' '),
    formatDuration(session.age),
    formatDuration(session.remaining),
    String(session.permissions),
    formatBytes(session.bytesFromClient),
    formatBytes(session.bytesToClient),
  ];
}

async function showSession(id: string, flags: SessionFlags, io: CommandIo): Promise<ExitStatus> {
  const number = wholeNumber('the id', id);
  const session = await (await openDaemon(flags, io)).session(number);
  return print({ json: session, text: detailOf(session) }, flags, io);
}

function detailOf(session: SessionDetail): string {
  const traffic = (packets: number, bytes: number): string => `${packets} packets, ${formatBytes(bytes)}`;
  const permissions = session.permissionList.map(({ peer, remaining }) => [peer, formatDuration(remaining)]);
  const channels = session.channelList.map((channel) => [
    `0x${channel.number.toString(16)}`,
    channel.peer,
    formatDuration(channel.remaining),
    traffic(channel.packetsToPeer, channel.bytesToPeer),
    traffic(channel.packetsToClient, channel.bytesToClient),
  ]);
  return [
    properties([
      ['session', String(session.id)],
      ['user', session.user || '(anonymous)'],
      ['realm', session.realm],
      ['client', `${session.client} (${session.transport})`],
      ['relayed', session.relayed.join(', ')],
      ['age', formatDuration(session.age)],
      ['left', formatDuration(session.remaining)],
      ['worker', String(session.worker)],
      ['from client', traffic(session.packetsFromClient, session.bytesFromClient)],
      ['to client', traffic(session.packetsToClient, session.bytesToClient)],
      ['over rate', `${session.overRateFromClient} packets from client dropped, ${session.overRateToClient} to client`],
    ]),
    '',
    table(['PERMISSION', 'LEFT'], permissions, 'no permissions'),
    '',
    table(['CHANNEL', 'PEER', 'LEFT', 'SENT', 'RECEIVED'], channels, 'no channels'),
  ].join('\n');
}

async function endSessions(id: string | undefined, flags: SessionFlags, io: CommandIo): Promise<ExitStatus> {
  const { selector, what } = meant(id, flags);
  const daemon = await openDaemon(flags, io);
  if (!(await isConfirmed(`End ${what}?`, flags, io))) return ExitStatus.failed;
  const ended = await daemon.end(selector);
  if (ended === 0) throw new AdminError('not-found', `there are no sessions of user ${quote(flags.user ?? '')}`);
  return print({ json: { ended }, text: `${ended} ended`, quiet: [] }, flags, io);
}

function meant(id: string | undefined, { user, realm }: SessionFlags): { selector: SessionSelector; what: string } {
  if ((id === undefined) === (user === undefined)) throw new UsageError('give either the id of a session or --user');
  if (id !== undefined) return { selector: { id: wholeNumber('the id', id) }, what: `session ${id}` };
  return { selector: { user: user ?? '', realm: onlyRealm({ realm }) }, what: `all sessions of user ${user}` };
}

function wholeNumber(what: string, text: string): number {
  if (/^\d{1,15}$/.test(text) && text !== '0') return Number(text);
  throw new UsageError(`${what}: expected a whole number from 1`);
}

/** A client's address in the form that sessions have it in. */
function clientOf(text: string): string {
  const [, bracketed, plain = bracketed ?? text, port] = /^(?:\[(.*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const ip = parseIp(plain);
  if (ip === null || Number(port ?? 0) > MAX_PORT) throw new UsageError('--client: expected an IP address, or IP:port');
  return port === undefined ? ip.text : new TransportAddress(ip, Number(port)).text;
}
