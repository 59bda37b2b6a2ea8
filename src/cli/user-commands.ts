// Owns `turnctl user`: the users of a store.

import type { Command } from 'commander';
import type { Administration, UserView } from '../control/administration.ts';
import type { UserId } from '../store/store.ts';
import { onlyRealm, realmOf, type StoreFlags, withStoreFlags } from './context.ts';
import { print, properties, shown, table } from './output.ts';
import { type NewPassword, type PasswordFlags, readNewPassword, withPasswordFlags } from './password-input.ts';
import { type DestructiveFlags, type Finish, isConfirmed, runOnStore } from './run-command.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';

type UserFlags = StoreFlags & PasswordFlags & DestructiveFlags;

const PAGE = 500;

/** Adds the group to the program; `finish` receives the exit status. */
export function addUserCommands(program: Command, io: CommandIo, finish: Finish): void {
  const group = program.command('user').description('users who may use the server');
  const command = (name: string, description: string) => withStoreFlags(group.command(name).description(description));
  withPasswordFlags(
    command('add', 'add a user; the password is asked for, piped in, or made').argument('<name>', 'name of the user'),
  ).action((name: string, flags: UserFlags) =>
    runOnStore({ io, finish, flags }, (administration) => addUser(administration, name, flags, io)),
  );
  command('list', 'list users').action((flags: UserFlags) =>
    runOnStore({ io, finish, flags }, (administration) => listUsers(administration, flags, io)),
  );
  command('show', 'show one user')
    .argument('<name>', 'name of the user')
    .action((name: string, flags: UserFlags) =>
      runOnStore({ io, finish, flags }, (administration) => showUser(administration, name, flags, io)),
    );
  withPasswordFlags(command('passwd', 'set a new password').argument('<name>', 'name of the user')).action(
    (name: string, flags: UserFlags) =>
      runOnStore({ io, finish, flags }, (administration) => setPassword(administration, name, flags, io)),
  );
  command('remove', 'remove a user')
    .argument('<name>', 'name of the user')
    .option('--yes', 'do not ask')
    .action((name: string, flags: UserFlags) =>
      runOnStore({ io, finish, flags }, (administration) => removeUser(administration, name, flags, io)),
    );
}

async function addUser(
  administration: Administration,
  name: string,
  flags: UserFlags,
  io: CommandIo,
): Promise<ExitStatus> {
  const realm = realmOf(flags, administration);
  const given = await readNewPassword(name, flags, io);
  const view = await administration.addUser({ realm, name }, given.password);
  return tellPassword(`user ${shown(name)} added to realm ${shown(view.realm)}`, view, given, { flags, io });
}

async function setPassword(administration: Administration, name: string, flags: UserFlags, io: CommandIo) {
  const id = { realm: realmOf(flags, administration), name };
  // Before the password is asked for in vain.
  await administration.showUser(id);
  const given = await readNewPassword(name, flags, io);
  const view = await administration.setPassword(id, given.password);
  return tellPassword(`user ${shown(name)} of realm ${shown(view.realm)} has a new password`, view, given, {
    flags,
    io,
  });
}

function tellPassword(
  sentence: string,
  view: UserView,
  { password, isMade }: NewPassword,
  { flags, io }: { readonly flags: UserFlags; readonly io: CommandIo },
): ExitStatus {
  const made = isMade ? [password] : [];
  const text = [sentence, ...made.map((value) => `password: ${value}`)].join('\n');
  return print({ json: isMade ? { ...view, password } : view, text, quiet: made }, flags, io);
}

async function listUsers(administration: Administration, flags: UserFlags, io: CommandIo): Promise<ExitStatus> {
  const users = await allUsers(administration, onlyRealm(flags));
  const rows = users.map(({ name, realm }) => [name, realm]);
  const text = () => table(['USER', 'REALM'], rows, 'no users');
  return print({ json: { users }, text, quiet: users.map(({ name }) => name) }, flags, io);
}

async function allUsers(administration: Administration, realm: string | null): Promise<readonly UserId[]> {
  const users: UserId[] = [];
  for (;;) {
    const page = await administration.listUsers({ realm, after: users.at(-1) ?? null, limit: PAGE });
    users.push(...page);
    if (page.length < PAGE) return users;
  }
}

async function showUser(
  administration: Administration,
  name: string,
  flags: UserFlags,
  io: CommandIo,
): Promise<ExitStatus> {
  const view = await administration.showUser({ realm: realmOf(flags, administration), name });
  const rows: [string, string][] = [
    ['user', view.name],
    ['realm', view.realm],
    ['keys', view.sha256 ? 'MD5, SHA-256' : 'MD5 (a new password adds SHA-256)'],
  ];
  return print({ json: view, text: properties(rows) }, flags, io);
}

async function removeUser(administration: Administration, name: string, flags: UserFlags, io: CommandIo) {
  const id = { realm: realmOf(flags, administration), name };
  await administration.showUser(id);
  const question = `Remove user ${shown(name)} of realm ${shown(id.realm)}?`;
  if (!(await isConfirmed(question, flags, io))) return ExitStatus.failed;
  await administration.removeUser(id);
  return print({ json: id, text: `user ${shown(name)} removed from realm ${shown(id.realm)}` }, flags, io);
}
