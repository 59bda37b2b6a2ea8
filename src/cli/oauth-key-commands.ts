// Owns `turnctl oauth-key`: the keys of RFC 7635 tokens in a store, as coturn keeps them.

import { type Command, Option } from 'commander';
import { OAUTH_ALGORITHMS, oauthAlgorithm, oauthKey } from '../control/admin-input.ts';
import { AdminError, type Administration, type OauthKeyView } from '../control/administration.ts';
import { durationFlag, onlyRealm, realmOf, type StoreFlags, withStoreFlags } from './context.ts';
import { formatMoment } from './durations.ts';
import { print, properties, shown, table } from './output.ts';
import { readGivenSecret } from './password-input.ts';
import { type DestructiveFlags, type Finish, isConfirmed, runOnStore } from './run-command.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';
import { UsageError } from './usage-error.ts';

interface KeyFlags extends StoreFlags, DestructiveFlags {
  readonly algorithm: string;
  readonly stdin?: boolean;
  readonly reveal?: boolean;
  readonly expires?: string;
}

const NEVER = 'never';

/** Adds the group to the program; `finish` receives the exit status. */
export function addOauthKeyCommands(program: Command, io: CommandIo, finish: Finish): void {
  const group = program
    .command('oauth-key')
    .description('keys of OAuth tokens (RFC 7635), kept for coturn: turnd takes no tokens yet');
  const command = (name: string, description: string) => withStoreFlags(group.command(name).description(description));
  const run = (flags: KeyFlags, action: (administration: Administration) => Promise<ExitStatus>) =>
    runOnStore({ io, finish, flags }, action);
  command('add', 'add a key: a random one, which is printed')
    .argument('<kid>', 'its ID: what tokens call it by')
    .addOption(
      new Option('--algorithm <name>', 'how tokens are encrypted')
        .choices(Object.keys(OAUTH_ALGORITHMS))
        .default('A256GCM'),
    )
    .option('--stdin', 'take a key that you have, in Base64: it is asked for, or piped in as one line')
    .option('--expires <time>', 'how long it counts; else until it is removed')
    .action((kid: string, flags: KeyFlags) => run(flags, (administration) => addKey(administration, kid, flags, io)));
  command('list', 'list keys by their IDs').action((flags: KeyFlags) =>
    run(flags, (administration) => listKeys(administration, flags, io)),
  );
  command('show', 'show a key')
    .argument('<kid>', 'as oauth-key list shows it')
    .option('--reveal', 'with the key itself')
    .action((kid: string, flags: KeyFlags) => run(flags, (administration) => showKey(administration, kid, flags, io)));
  command('set', 'change when a key ends, or its realm (--realm)')
    .argument('<kid>', 'as oauth-key list shows it')
    .option('--expires <time>', `how long it counts from now on, or ${NEVER}`)
    .action((kid: string, flags: KeyFlags) => run(flags, (administration) => setKey(administration, kid, flags, io)));
  command('remove', 'remove a key')
    .argument('<kid>', 'as oauth-key list shows it')
    .option('--yes', 'do not ask')
    .action((kid: string, flags: KeyFlags) =>
      run(flags, (administration) => removeKey(administration, kid, flags, io)),
    );
}

async function addKey(administration: Administration, kid: string, flags: KeyFlags, io: CommandIo) {
  const algorithm = oauthAlgorithm(flags.algorithm);
  const realm = realmOf(flags, administration);
  const expiresAt = flags.expires === undefined ? null : endAfter(flags.expires);
  const given = flags.stdin === true ? oauthKey(await readGivenSecret(io), algorithm) : null;
  const { key, ...view } = await administration.addOauthKey({ kid, realm, algorithm, key: given, expiresAt });
  const made = given === null && key !== undefined ? [key] : [];
  const sentence = `OAuth key ${shown(view.kid)} added to realm ${shown(view.realm)}`;
  const text = [sentence, ...made.map((one) => `key: ${one}`)].join('\n');
  return print({ json: made.length === 0 ? view : { ...view, key }, text, quiet: made }, flags, io);
}

async function listKeys(administration: Administration, flags: KeyFlags, io: CommandIo): Promise<ExitStatus> {
  const keys = await administration.listOauthKeys(onlyRealm(flags));
  const rows = keys.map(({ kid, realm, algorithm, expiresAt }) => [kid, realm, algorithm, momentOf(expiresAt, NEVER)]);
  const text = table(['ID', 'REALM', 'ALGORITHM', 'ENDS'], rows, 'no OAuth keys');
  return print({ json: { keys }, text, quiet: keys.map(({ kid }) => kid) }, flags, io);
}

async function showKey(administration: Administration, kid: string, flags: KeyFlags, io: CommandIo) {
  const view = await administration.showOauthKey(kid, flags.reveal === true);
  return print({ json: view, text: describe(view), quiet: view.key === undefined ? [] : [view.key] }, flags, io);
}

async function setKey(administration: Administration, kid: string, flags: KeyFlags, io: CommandIo) {
  const realm = onlyRealm(flags) ?? undefined;
  if (realm === undefined && flags.expires === undefined) throw new UsageError('give --expires, --realm or both');
  const expiresAt = endOf(flags.expires);
  const view = await administration.changeOauthKey(kid, { realm, expiresAt });
  const end = momentOf(view.expiresAt, NEVER);
  const text = `OAuth key ${shown(view.kid)} of realm ${shown(view.realm)} ends: ${end}`;
  return print({ json: view, text }, flags, io);
}

async function removeKey(administration: Administration, kid: string, flags: KeyFlags, io: CommandIo) {
  if (kid === '') throw new AdminError('invalid', 'the ID of the key is empty');
  if (!(await isConfirmed(`Remove OAuth key ${shown(kid)}? Tokens under it are refused by coturn.`, flags, io)))
    return ExitStatus.failed;
  const view = await administration.removeOauthKey(kid);
  return print({ json: view, text: `OAuth key ${shown(view.kid)} is removed` }, flags, io);
}

function describe({ kid, realm, algorithm, startsAt, expiresAt, key }: OauthKeyView): string {
  const rows: [string, string][] = [
    ['ID', kid],
    ['realm', realm],
    ['algorithm', algorithm],
    ['starts', momentOf(startsAt, 'any time')],
    ['ends', momentOf(expiresAt, NEVER)],
  ];
  if (key !== undefined) rows.push(['key', key]);
  return properties(rows);
}

function momentOf(moment: number | null, otherwise: string): string {
  return moment === null ? otherwise : formatMoment(moment);
}

function endOf(expires: string | undefined): number | null | undefined {
  if (expires === undefined) return undefined;
  return expires === NEVER ? null : endAfter(expires);
}

function endAfter(expires: string): number {
  return Date.now() + durationFlag('--expires', expires) * 1000;
}
