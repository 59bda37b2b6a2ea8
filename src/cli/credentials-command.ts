// Owns `turnctl credentials`: time-limited credentials, ready to be pasted into an app, and their end before their time.

import { isIP } from 'node:net';
import { type Command, Option } from 'commander';
import type { Config } from '../config/config.ts';
import { iceUrls } from '../config/ice-servers.ts';
import type { Administration } from '../control/administration.ts';
import { type CredentialsWish, type IceCredentials, makeCredentials } from '../control/ice-credentials.ts';
import type { IceSource } from '../control/server-control.ts';
import {
  type DaemonFlags,
  durationFlag,
  type FoundConfig,
  findConfig,
  isNobodyThere,
  openDaemon,
  realmOf,
  type StoreFlags,
  withDaemonFlags,
  withStoreFlags,
} from './context.ts';
import { isStoreThere, openDirectStore } from './direct-store.ts';
import { print, remark } from './output.ts';
import { type Finish, runCommand } from './run-command.ts';
import type { CommandIo, ExitStatus } from './terminal-io.ts';
import { UsageError } from './usage-error.ts';

type Format = 'json' | 'env' | 'js';

interface CredentialsFlags extends StoreFlags {
  readonly user?: string;
  readonly label?: string;
  readonly ttl: string;
  readonly host?: string;
  readonly format: Format;
}

const NO_HOST = 'the public address is not known while turnd does not run: give --host';

/** Adds the command to the program; `finish` receives the exit status. */
export function addCredentialsCommand(program: Command, io: CommandIo, finish: Finish): void {
  const group = program.command('credentials').description('time-limited credentials for apps');
  withStoreFlags(
    group
      .command('make', { isDefault: true })
      .description('print an iceServers entry with time-limited credentials; turnctl credentials does the same'),
  )
    .option('--user <id>', 'user id part of the name: its quota is counted by it')
    .option('--label <name>', 'put in front of the user id: which app these are for')
    .option('--ttl <time>', 'how long they count', '1d')
    .option('--host <host>', 'host name or address to put into the URLs')
    .addOption(new Option('--format <format>', 'how to print them').choices(['json', 'env', 'js']).default('json'))
    .action((flags: CredentialsFlags) => runCommand(io, finish, () => printCredentials(flags, io)));
  withDaemonFlags(
    group
      .command('revoke')
      .argument('<username>', 'as it was given out')
      .description('refuse a time-limited username before its time, and end its allocations'),
  ).action((username: string, flags: DaemonFlags) => runCommand(io, finish, () => revoke(username, flags, io)));
}

async function revoke(username: string, flags: DaemonFlags, io: CommandIo): Promise<ExitStatus> {
  const ended = await (await openDaemon(flags, io)).revoke(username);
  const text = `Revoked ${username}: ${ended === 1 ? '1 session' : `${ended} sessions`} ended.`;
  return print({ json: { ended }, text, quiet: [String(ended)] }, flags, io);
}

async function printCredentials(flags: CredentialsFlags, io: CommandIo): Promise<ExitStatus> {
  const { user: userId = null, label = null, host = null, realm = null } = flags;
  const made = await credentials(
    { userId, label, host, realm, ttlSeconds: durationFlag('--ttl', flags.ttl) },
    flags,
    io,
  );
  const { iceServers } = made;
  const quiet = flags.format === 'json' ? [JSON.stringify({ iceServers })] : FORMATS[flags.format](made).split('\n');
  return print({ json: made, text: FORMATS[flags.format](made), quiet }, flags, io);
}

async function credentials(wish: CredentialsWish, flags: CredentialsFlags, io: CommandIo): Promise<IceCredentials> {
  if (flags.store === undefined) {
    try {
      return await (await openDaemon(flags, io)).credentials(wish);
    } catch (error) {
      if (!isNobodyThere(error, flags)) throw error;
    }
  }
  return credentialsByHand(wish, flags, io);
}

/** Without turnd: under a secret of the store, else of the configuration. */
async function credentialsByHand(wish: CredentialsWish, flags: CredentialsFlags, io: CommandIo) {
  const found = findConfig(flags, io);
  if ('errors' in found) throw new UsageError(found.errors.join('\n'));
  const { config } = found;
  const now = Date.now();
  const stored = await storedSecret(flags, found, { io, now });
  const source: IceSource = {
    urls: urlsOf(config, wish.host),
    realm: config.realm,
    secrets: stored === null ? config.auth.secrets : [stored],
    separator: config.auth.restSeparator,
    isRevoked: () => false,
  };
  return makeCredentials(source, wish, now);
}

async function storedSecret(
  flags: CredentialsFlags,
  found: FoundConfig & { readonly config: Config },
  { io, now }: { readonly io: CommandIo; readonly now: number },
): Promise<string | null> {
  if (flags.store === undefined && !isStoreThere(found.config)) return null;
  const { administration, close } = await openDirectStore(flags.store ?? null, found, io);
  try {
    remark(`turnd was not asked: working on ${administration.storeName} directly`, flags, io);
    return await secretInEffect(administration, realmOf(flags, administration), now);
  } finally {
    await close();
  }
}

/** The one that counts longest. */
async function secretInEffect(administration: Administration, realm: string, now: number): Promise<string | null> {
  const secrets = await administration.listSecrets(realm, true);
  const endOf = ({ expiresAt }: { readonly expiresAt: number | null }): number => expiresAt ?? Number.POSITIVE_INFINITY;
  const live = secrets.filter((secret) => endOf(secret) > now);
  const [best] = live.toSorted((left, right) => (endOf(left) < endOf(right) ? 1 : -1));
  return best?.value ?? null;
}

function urlsOf(config: Config, host: string | null): readonly string[] {
  if (config.auth.iceUrls.length > 0) return config.auth.iceUrls;
  const known = host ?? publicHost(config);
  if (known === null) throw new UsageError(NO_HOST);
  const trustedCertificate = config.tls.certificates.length > 0;
  return iceUrls({ host: known, listeners: config.listen, trustedCertificate });
}

function publicHost({ relay, listen }: Config): string | null {
  const { externalAddress: external, address } = relay;
  if (external.kind === 'name') return external.name;
  if (external.kind === 'listed') return external.ipv4 ?? external.ipv6;
  if (external.kind === 'pairs') return external.pairs[0]?.public ?? null;
  if (external.kind === 'none' && address.kind === 'listed') return address.ipv4 ?? address.ipv6;
  const [only, ...others] = new Set(listen.map((one) => one.host));
  return only !== undefined && others.length === 0 && isConcrete(only) ? only : null;
}

function isConcrete(host: string): boolean {
  return isIP(host) !== 0 && host !== '0.0.0.0' && host !== '::';
}

const FORMATS: Readonly<Record<Format, (made: IceCredentials) => string>> = Object.freeze({
  json: ({ iceServers }) => JSON.stringify({ iceServers }, null, 2),
  js: ({ iceServers }) => `const iceServers = ${JSON.stringify(iceServers, null, 2)};`,
  env: ({ iceServers, expiresAt }) => {
    const { username = '', credential = '' } = iceServers.at(-1) ?? {};
    const lines = [
      ['TURN_URLS', iceServers.flatMap(({ urls }) => urls).join(',')],
      ['TURN_USERNAME', username],
      ['TURN_CREDENTIAL', credential],
      ['TURN_EXPIRES', new Date(expiresAt).toISOString()],
    ] as const;
    return lines.map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'`).join('\n');
  },
});
