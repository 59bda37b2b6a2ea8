// Owns `turnctl realm`: the options of realms, and the origins that choose them.

import type { Command } from 'commander';
import { MAX_OPTION } from '../control/admin-input.ts';
import { AdminError, type Administration, type RealmView } from '../control/administration.ts';
import type { RealmOption } from '../store/store.ts';
import { onlyRealm, realmOf, type StoreFlags, withStoreFlags } from './context.ts';
import { print, properties, shown, table } from './output.ts';
import { type DestructiveFlags, type Finish, isConfirmed, runOnStore } from './run-command.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';
import { UsageError } from './usage-error.ts';

interface RealmFlags extends StoreFlags, DestructiveFlags {
  readonly maxBps?: string;
  readonly totalQuota?: string;
  readonly userQuota?: string;
}

const OPTIONS = Object.freeze({
  maxBps: ['--max-bps', 'bytes a second of one allocation, each way'],
  totalQuota: ['--total-quota', 'allocations of the realm'],
  userQuota: ['--user-quota', 'allocations of one user'],
} as const);
const OPTION_NAMES = Object.keys(OPTIONS) as RealmOption[];

/** Adds the group to the program; `finish` receives the exit status. */
export function addRealmCommands(program: Command, io: CommandIo, finish: Finish): void {
  const group = program.command('realm').description('options of realms, and the origins that choose them');
  const run = (flags: RealmFlags, action: (administration: Administration) => Promise<ExitStatus>) =>
    runOnStore({ io, finish, flags }, action);
  withStoreFlags(group.command('list').description('list realms')).action((flags: RealmFlags) =>
    run(flags, (administration) => listRealms(administration, flags, io)),
  );
  withStoreFlags(
    group.command('show').argument('[realm]', 'else the default one').description('show one realm'),
  ).action((realm: string | undefined, flags: RealmFlags) =>
    run(flags, (administration) => showRealm(administration, realm ?? realmOf(flags, administration), flags, io)),
  );
  const set = withStoreFlags(
    group
      .command('set')
      .argument('[realm]', 'else the default one')
      .description('set options of a realm (none: as configured)'),
  );
  for (const name of OPTION_NAMES) set.option(`${OPTIONS[name][0]} <number>`, `${OPTIONS[name][1]} (0: no limit)`);
  set.action((realm: string | undefined, flags: RealmFlags) =>
    run(flags, (administration) => setOptions(administration, realm ?? realmOf(flags, administration), flags, io)),
  );
  addOriginCommands(group, io, run);
}

function addOriginCommands(
  group: Command,
  io: CommandIo,
  run: (flags: RealmFlags, action: (administration: Administration) => Promise<ExitStatus>) => Promise<void>,
): void {
  const origin = group.command('origin').description('origins of web pages whose clients belong to a realm');
  withStoreFlags(
    origin
      .command('add')
      .argument('<origin>', 'such as https://app.example.org')
      .description('give clients of an origin to a realm'),
  ).action((text: string, flags: RealmFlags) =>
    run(flags, async (administration) => {
      const realm = realmOf(flags, administration);
      await administration.addOrigin({ origin: text, realm });
      const sentence = `origin ${shown(text)} added to realm ${shown(realm)}`;
      return print({ json: { origin: text, realm }, text: sentence }, flags, io);
    }),
  );
  withStoreFlags(origin.command('list').description('list origins')).action((flags: RealmFlags) =>
    run(flags, (administration) => listOrigins(administration, flags, io)),
  );
  withStoreFlags(
    origin.command('remove').argument('<origin>', 'such as https://app.example.org').description('remove an origin'),
  )
    .option('--yes', 'do not ask')
    .action((text: string, flags: RealmFlags) =>
      run(flags, async (administration) => {
        if (!(await isConfirmed(`Remove origin ${shown(text)}?`, flags, io))) return ExitStatus.failed;
        await administration.removeOrigin(text);
        return print({ json: { origin: text }, text: `origin ${shown(text)} removed` }, flags, io);
      }),
    );
}

async function listRealms(administration: Administration, flags: RealmFlags, io: CommandIo): Promise<ExitStatus> {
  const realms = await wantedRealms(administration, flags);
  const rows = realms.map((view) => [
    view.realm,
    ...OPTION_NAMES.map((name) => optionText(view[name])),
    String(view.origins.length),
  ]);
  const text = table(['REALM', 'MAX BPS', 'TOTAL QUOTA', 'USER QUOTA', 'ORIGINS'], rows, 'no realms');
  return print({ json: { realms }, text, quiet: realms.map(({ realm }) => realm) }, flags, io);
}

async function wantedRealms(administration: Administration, flags: RealmFlags): Promise<readonly RealmView[]> {
  const realm = onlyRealm(flags);
  const realms = await administration.listRealms();
  return realm === null ? realms : realms.filter((view) => view.realm === realm);
}

async function showRealm(administration: Administration, realm: string, flags: RealmFlags, io: CommandIo) {
  const view = (await administration.listRealms()).find((one) => one.realm === realm);
  if (view === undefined) throw new AdminError('not-found', `realm "${realm}" has no options and no origins`);
  const rows = OPTION_NAMES.map((name): [string, string] => [OPTIONS[name][0].slice(2), optionText(view[name])]);
  const text = properties([['realm', view.realm], ...rows, ['origins', view.origins.join(', ') || '-']]);
  return print({ json: view, text }, flags, io);
}

async function setOptions(administration: Administration, realm: string, flags: RealmFlags, io: CommandIo) {
  const given = OPTION_NAMES.flatMap((name) => {
    const text = flags[name];
    return text === undefined ? [] : [[name, optionValue(OPTIONS[name][0], text)] as const];
  });
  if (given.length === 0) throw new UsageError('nothing to set: give --max-bps, --total-quota or --user-quota');
  for (const [name, value] of given) await administration.setRealmOption(realm, name, value);
  const changes = given.map(([name, value]) => `${OPTIONS[name][0].slice(2)} ${optionText(value)}`);
  const sentence = `realm ${shown(realm)}: ${changes.join(', ')}`;
  return print({ json: { realm, ...Object.fromEntries(given) }, text: sentence }, flags, io);
}

async function listOrigins(administration: Administration, flags: RealmFlags, io: CommandIo): Promise<ExitStatus> {
  const realms = await wantedRealms(administration, flags);
  const origins = realms.flatMap(({ realm, origins: own }) => own.map((origin) => ({ origin, realm })));
  const text = table(
    ['ORIGIN', 'REALM'],
    origins.map(({ origin, realm }) => [origin, realm]),
    'no origins',
  );
  return print({ json: { origins }, text, quiet: origins.map(({ origin }) => origin) }, flags, io);
}

function optionText(value: number | null): string {
  if (value === null) return '-';
  return value === 0 ? 'no limit' : String(value);
}

function optionValue(flag: string, text: string): number | null {
  if (text === 'none') return null;
  if (/^\d{1,10}$/.test(text) && Number(text) <= MAX_OPTION) return Number(text);
  throw new UsageError(`${flag}: expected a whole number up to ${MAX_OPTION}, or none`);
}
