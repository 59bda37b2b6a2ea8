// Owns `turnctl token`: the bearer tokens of the control API over TCP.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { SCOPES, type Scope } from '../config/api-tokens.ts';
import { AdminError } from '../control/administration.ts';
import { TokenBook } from '../control/token-book.ts';
import { TOKEN_FILE } from '../control/token-file.ts';
import type { TokenAdministration } from '../control/tokens.ts';
import { type DaemonFlags, durationFlag, findConfig, findDaemon, isNobodyThere, withDaemonFlags } from './context.ts';
import { becomeOwner } from './direct-store.ts';
import { formatMoment } from './durations.ts';
import { print, remark, shown, table } from './output.ts';
import { type DestructiveFlags, type Finish, isConfirmed, runCommand } from './run-command.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';
import { UsageError } from './usage-error.ts';

interface TokenFlags extends DaemonFlags, DestructiveFlags {
  readonly scope?: string;
  readonly expires?: string;
}

/** Adds the group to the program; `finish` receives the exit status. */
export function addTokenCommands(program: Command, io: CommandIo, finish: Finish): void {
  const group = program.command('token').description('tokens of the control API over TCP');
  const command = (name: string, description: string) => withDaemonFlags(group.command(name).description(description));
  const run = (flags: TokenFlags, action: (tokens: TokenAdministration) => Promise<ExitStatus>) =>
    runCommand(io, finish, async () => action(await openTokens(flags, io)));
  command('add', 'make a token, which is printed this once')
    .argument('<name>', 'what it is called by')
    .requiredOption('--scope <scopes>', 'what it may do: credentials, read, admin, or several with commas')
    .option('--expires <time>', 'how long it counts; else until it is removed')
    .action((name: string, flags: TokenFlags) => run(flags, (tokens) => addToken(tokens, name, flags, io)));
  command('list', 'list tokens by name').action((flags: TokenFlags) =>
    run(flags, (tokens) => listTokens(tokens, flags, io)),
  );
  command('remove', 'remove a token: it lets nobody in any more')
    .argument('<name>', 'as token list shows it')
    .option('--yes', 'do not ask')
    .action((name: string, flags: TokenFlags) => run(flags, (tokens) => removeToken(tokens, name, flags, io)));
}

async function addToken(
  tokens: TokenAdministration,
  name: string,
  flags: TokenFlags,
  io: CommandIo,
): Promise<ExitStatus> {
  const scopes = scopesOf(flags.scope ?? '');
  const expiresAt = flags.expires === undefined ? null : Date.now() + durationFlag('--expires', flags.expires) * 1000;
  const { token, ...view } = await tokens.addToken({ name, scopes, expiresAt });
  const end = view.expiresAt === null ? '' : `, until ${formatMoment(view.expiresAt)}`;
  const text = `token ${shown(view.name)} may ${view.scopes.join(', ')}${end}\ntoken: ${token}`;
  return print({ json: { ...view, token }, text, quiet: [token] }, flags, io);
}

async function listTokens(tokens: TokenAdministration, flags: TokenFlags, io: CommandIo): Promise<ExitStatus> {
  const list = await tokens.listTokens();
  const rows = list.map(({ name, scopes, isConfigured, expiresAt, lastUsedAt }) => {
    const used = lastUsedAt === null ? 'never' : formatMoment(lastUsedAt);
    const ends = expiresAt === null ? 'never' : formatMoment(expiresAt);
    return [name, scopes.join(','), ends, isConfigured ? 'in the configuration' : used];
  });
  const text = table(['NAME', 'SCOPES', 'ENDS', 'LAST USED'], rows, 'no tokens');
  return print({ json: { tokens: list }, text, quiet: list.map(({ name }) => name) }, flags, io);
}

async function removeToken(
  tokens: TokenAdministration,
  name: string,
  flags: TokenFlags,
  io: CommandIo,
): Promise<ExitStatus> {
  if (!(await isConfirmed(`Remove token ${shown(name)}? Whoever uses it is refused at once.`, flags, io)))
    return ExitStatus.failed;
  const view = await tokens.removeToken(name);
  return print({ json: view, text: `token ${shown(view.name)} is removed` }, flags, io);
}

function scopesOf(text: string): readonly Scope[] {
  const named = text.split(',').map((part) => part.trim());
  const scopes = SCOPES.filter((scope) => named.includes(scope));
  if (scopes.length === new Set(named).size) return scopes;
  throw new UsageError('--scope: expected credentials, read or admin, or several with commas');
}

/** The tokens of the running turnd; without one, those of its state directory. */
async function openTokens(flags: TokenFlags, io: CommandIo): Promise<TokenAdministration> {
  const found = findConfig(flags, io);
  try {
    return await findDaemon(flags, found, io);
  } catch (error) {
    if (!isNobodyThere(error, flags)) throw error;
  }
  if (!('config' in found)) throw new UsageError(found.errors.join('\n'));
  const { stateDir, control } = found.config;
  if (!existsSync(stateDir))
    throw new AdminError(
      'unavailable',
      `turnd is not running, and there is no ${stateDir}: start it once, or name a configuration with --config`,
    );
  await becomeOwner(stateDir);
  const path = join(stateDir, TOKEN_FILE);
  remark(`turnd is not running: working on ${path} directly`, flags, io);
  return new TokenBook({
    path,
    configured: () => control.tokens,
    now: Date.now,
    report: (message) => remark(`warning: ${message}`, flags, io),
  });
}
