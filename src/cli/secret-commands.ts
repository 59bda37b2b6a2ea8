// Owns `turnctl secret`: the shared secrets of time-limited credentials.

import type { Command } from 'commander';
import { isWeakSecret, WEAK_SECRET } from '../config/secret-strength.ts';
import { secretId } from '../control/admin-input.ts';
import type { Administration, SecretView } from '../control/administration.ts';
import { durationFlag, onlyRealm, realmOf, type StoreFlags, withStoreFlags } from './context.ts';
import { formatDuration, formatMoment } from './durations.ts';
import { print, remark, shown, table } from './output.ts';
import { readGivenSecret } from './password-input.ts';
import { type DestructiveFlags, type Finish, isConfirmed, runOnStore } from './run-command.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';

interface SecretFlags extends StoreFlags, DestructiveFlags {
  readonly stdin?: boolean;
  readonly reveal?: boolean;
  readonly grace: string;
}

const GIVEN = 'take a secret that you have: it is asked for, or piped in as one line';

/** Adds the group to the program; `finish` receives the exit status. */
export function addSecretCommands(program: Command, io: CommandIo, finish: Finish): void {
  const group = program.command('secret').description('shared secrets of time-limited credentials');
  const command = (name: string, description: string) => withStoreFlags(group.command(name).description(description));
  command('add', 'add a secret: a random one, which is printed')
    .option('--stdin', GIVEN)
    .action((flags: SecretFlags) =>
      runOnStore({ io, finish, flags }, (administration) => addSecret(administration, flags, io)),
    );
  command('list', 'list secrets by their ids')
    .option('--reveal', 'show the secrets themselves')
    .action((flags: SecretFlags) =>
      runOnStore({ io, finish, flags }, (administration) => listSecrets(administration, flags, io)),
    );
  command('rotate', 'add a secret; those that are there count until the grace time is over')
    .option('--grace <time>', 'how long credentials under the old secrets are accepted', '1d')
    .option('--stdin', GIVEN)
    .action((flags: SecretFlags) =>
      runOnStore({ io, finish, flags }, (administration) => rotateSecret(administration, flags, io)),
    );
  command('remove', 'remove a secret by its id, or the first digits of it')
    .argument('<id>', 'as secret list shows it')
    .option('--yes', 'do not ask')
    .action((id: string, flags: SecretFlags) =>
      runOnStore({ io, finish, flags }, (administration) => removeSecret(administration, id, flags, io)),
    );
}

async function addSecret(administration: Administration, flags: SecretFlags, io: CommandIo): Promise<ExitStatus> {
  const realm = realmOf(flags, administration);
  const given = await givenSecret(flags, io);
  return tell('added to', await administration.addSecret(realm, given), given, { flags, io });
}

async function rotateSecret(administration: Administration, flags: SecretFlags, io: CommandIo): Promise<ExitStatus> {
  const grace = durationFlag('--grace', flags.grace);
  const realm = realmOf(flags, administration);
  const given = await givenSecret(flags, io);
  const view = await administration.rotateSecret(realm, given, grace);
  const until = grace === 0 ? 'are removed' : `count for ${formatDuration(grace)} more`;
  remark(`the other secrets of realm ${realm} ${until}`, flags, io);
  return tell('added to', view, given, { flags, io });
}

async function givenSecret({ stdin, ...flags }: SecretFlags, io: CommandIo): Promise<string | null> {
  if (stdin !== true) return null;
  const secret = await readGivenSecret(io);
  if (isWeakSecret(secret)) remark(`warning: the secret ${WEAK_SECRET}`, flags, io);
  return secret;
}

function tell(
  done: string,
  { value, ...view }: SecretView,
  given: string | null,
  { flags, io }: { readonly flags: SecretFlags; readonly io: CommandIo },
): ExitStatus {
  const made = given === null && value !== undefined ? [value] : [];
  const sentence = `secret ${view.id} ${done} realm ${shown(view.realm)}`;
  const text = [sentence, ...made.map((secret) => `secret: ${secret}`)].join('\n');
  return print({ json: made.length === 0 ? view : { ...view, value }, text, quiet: made }, flags, io);
}

async function listSecrets(administration: Administration, flags: SecretFlags, io: CommandIo): Promise<ExitStatus> {
  const isRevealed = flags.reveal === true;
  const secrets = await administration.listSecrets(onlyRealm(flags), isRevealed);
  const rows = secrets.map(({ id, realm, expiresAt, value }) => {
    const end = expiresAt === null ? 'never' : formatMoment(expiresAt);
    return [id, realm, end, ...(isRevealed ? [value ?? ''] : [])];
  });
  const text = table(['ID', 'REALM', 'ENDS', ...(isRevealed ? ['SECRET'] : [])], rows, 'no secrets');
  const quiet = secrets.map(({ id, value }) => (isRevealed ? (value ?? '') : id));
  return print({ json: { secrets }, text, quiet }, flags, io);
}

async function removeSecret(administration: Administration, text: string, flags: SecretFlags, io: CommandIo) {
  const id = secretId(text);
  const realm = realmOf(flags, administration);
  const question = `Remove secret ${shown(id)} of realm ${shown(realm)}? Credentials under it are refused at once.`;
  if (!(await isConfirmed(question, flags, io))) return ExitStatus.failed;
  const view = await administration.removeSecret(realm, id);
  return print({ json: view, text: `secret ${view.id} removed from realm ${shown(view.realm)}` }, flags, io);
}
