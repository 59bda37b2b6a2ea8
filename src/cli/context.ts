// Owns how commands find whom they talk to: the running turnd by its socket, or the store while none runs. It knows no
// command.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { AdminError, type Administration } from '../control/administration.ts';
import { ControlClient } from '../control/control-client.ts';
import { UnreachableError } from '../control/control-transport.ts';
import { loadCommandConfig } from './command-config.ts';
import { openDirectStore } from './direct-store.ts';
import { DURATION_FORM, parseDuration } from './durations.ts';
import { type OutputFlags, remark } from './output.ts';
import { remoteOf } from './remote.ts';
import type { CommandIo } from './terminal-io.ts';
import { UsageError } from './usage-error.ts';

/** Flags of every command that talks to turnd. */
export interface DaemonFlags extends OutputFlags {
  readonly socket?: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
  readonly config?: string;
  readonly timeout?: string;
}

/** Flags of every command that talks to a store, through turnd or not. */
export interface StoreFlags extends DaemonFlags {
  readonly store?: string;
  readonly realm?: string;
}

/** A configuration, or why there is none. */
export type FoundConfig = { readonly config: Config } | { readonly errors: readonly string[] };

/** Whoever administers, and how to let go of it. */
export interface OpenAdministration {
  readonly administration: Administration;
  close(): Promise<void>;
}

const SYSTEM_SOCKET = '/run/turnd/turnd.sock';
const TIMEOUT_SECONDS = 5;
const MAX_TIMEOUT_SECONDS = 3600;

/** Adds the flags of commands that talk to turnd. */
export function withDaemonFlags(command: Command): Command {
  return command
    .option('--socket <path>', "turnd's control socket")
    .option('--url <url>', 'a turnd elsewhere: https://HOST:PORT of its control.listen')
    .option('--token-file <file>', 'file with the token for --url (else $TURNCTL_TOKEN_FILE)')
    .option('--ca-file <file>', 'PEM certificates to trust for --url')
    .option('--config <file>', "turnd's configuration file")
    .option('--timeout <time>', `how long to wait for turnd (${TIMEOUT_SECONDS}s)`)
    .option('--json', 'print one JSON document')
    .option('--quiet', 'print only what scripts need');
}

/** Adds the flags of commands that talk to a store. */
export function withStoreFlags(command: Command): Command {
  return withDaemonFlags(command)
    .option('--store <url>', 'work on this store directly, not through turnd')
    .option('--realm <realm>', 'realm; else the default one');
}

/** The configuration that turnd would use. One that was named must be good. @throws UsageError */
export function findConfig({ config }: DaemonFlags, io: CommandIo): FoundConfig {
  const result = loadCommandConfig(config, io);
  if (result.ok) return { config: result.config };
  if (config !== undefined) throw new UsageError(result.errors.join('\n'));
  return { errors: result.errors };
}

/** The running turnd. @throws UnreachableError if none answers, UsageError */
export async function openDaemon(flags: DaemonFlags, io: CommandIo): Promise<ControlClient> {
  return findDaemon(flags, findConfig(flags, io), io);
}

/** Whoever administers: the running turnd; without one, or with `--store`, the store itself. */
export async function openAdministration(flags: StoreFlags, io: CommandIo): Promise<OpenAdministration> {
  const found = findConfig(flags, io);
  if (flags.store !== undefined) return openDirectStore(flags.store, found, io);
  try {
    return { administration: await findDaemon(flags, found, io), close: async () => {} };
  } catch (error) {
    if (!isNobodyThere(error, flags)) throw error;
  }
  const opened = await openDirectStore(null, found, io);
  remark(`turnd is not running: working on ${opened.administration.storeName} directly`, flags, io);
  return opened;
}

/** Whether nobody is there and nobody was named, so that a store may be changed behind nobody's back. */
export function isNobodyThere(error: unknown, { socket, url }: DaemonFlags): boolean {
  return isDown(error) && socket === undefined && url === undefined;
}

/** Whether nobody is there. */
export function isDown(error: unknown): boolean {
  return error instanceof UnreachableError && error.reason === 'not-running';
}

/** The running turnd, wherever its configuration may be. @throws UnreachableError if none answers */
export async function findDaemon(flags: DaemonFlags, found: FoundConfig, io: CommandIo): Promise<ControlClient> {
  const timeout = timeoutOf(flags);
  if (flags.url !== undefined) return ControlClient.open({ ...remoteOf(flags.url, flags, io), timeout });
  const paths = socketPaths(flags, found, io);
  for (const path of paths) {
    try {
      return await ControlClient.open({ path, timeout });
    } catch (error) {
      if (!isDown(error)) throw error;
    }
  }
  throw new UnreachableError(
    'not-running',
    `turnd is not running: nobody listens at ${paths.join(', ')} (start it, or name its socket with --socket)`,
  );
}

function socketPaths({ socket }: DaemonFlags, found: FoundConfig, { env, cwd }: CommandIo): readonly string[] {
  if (socket !== undefined) return [resolve(cwd, socket)];
  const fromEnvironment = env['TURND_CONTROL__SOCKET'];
  const runtime = env['RUNTIME_DIRECTORY']?.split(':', 1)[0];
  const config = 'config' in found ? found.config : null;
  const candidates = [
    fromEnvironment && !/^(?:auto|none)$/.test(fromEnvironment) ? resolve(cwd, fromEnvironment) : null,
    config?.control.socket,
    runtime ? resolve(runtime, 'turnd.sock') : null,
    SYSTEM_SOCKET,
    config === null ? null : resolve(config.stateDir, 'turnd.sock'),
    resolve(cwd, '.turnd/turnd.sock'),
  ];
  return [...new Set(candidates.filter((path) => typeof path === 'string'))];
}

function timeoutOf({ timeout }: DaemonFlags): number {
  const seconds = timeout === undefined ? TIMEOUT_SECONDS : parseDuration(timeout);
  if (seconds !== null && seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS) return seconds * 1000;
  throw new UsageError(`--timeout: expected ${DURATION_FORM}, up to an hour`);
}

/** Seconds of a flag. @throws UsageError */
export function durationFlag(flag: string, text: string): number {
  const seconds = parseDuration(text);
  if (seconds === null) throw new UsageError(`${flag}: expected ${DURATION_FORM}`);
  return seconds;
}

/** The realm of `--realm`, else the default one. */
export function realmOf({ realm }: StoreFlags, administration: Administration): string {
  return onlyRealm({ realm }) ?? administration.defaultRealm;
}

/** The realm of `--realm`, or null. An empty one is a slip: `--realm "$REALM"`. */
export function onlyRealm({ realm }: { readonly realm?: string | undefined }): string | null {
  if (realm === '') throw new AdminError('invalid', 'the realm is empty');
  return realm ?? null;
}
