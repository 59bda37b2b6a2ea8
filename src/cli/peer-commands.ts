// Owns `turnctl peer`: whom clients may reach, beside the configuration's peers.allow and peers.deny.

import { type Command, Option } from 'commander';
import { isSameRange, peerRule, quote } from '../control/admin-input.ts';
import { AdminError, type Administration } from '../control/administration.ts';
import type { StoredPeerRule } from '../store/store.ts';
import { onlyRealm, type StoreFlags, withStoreFlags } from './context.ts';
import { print, shown, table } from './output.ts';
import { type DestructiveFlags, type Finish, isConfirmed, runOnStore } from './run-command.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';

interface PeerFlags extends StoreFlags, DestructiveFlags {
  readonly allow?: boolean;
  readonly deny?: boolean;
}

const RANGE = 'an address, first-last, or a prefix such as 10.0.0.0/8';

/** Adds the group to the program; `finish` receives the exit status. */
export function addPeerCommands(program: Command, io: CommandIo, finish: Finish): void {
  const group = program.command('peer').description('whom clients may reach (of all realms, or of --realm)');
  for (const kind of ['allow', 'deny'] as const) {
    const does = kind === 'allow' ? 'let clients reach peers' : 'keep clients from peers';
    withStoreFlags(group.command(kind).description(does).argument('<range...>', RANGE)).action(
      (ranges: string[], flags: PeerFlags) =>
        runOnStore({ io, finish, flags }, (administration) => addRules(administration, { kind, ranges }, flags, io)),
    );
  }
  withStoreFlags(group.command('list').description('list the rules of the store')).action((flags: PeerFlags) =>
    runOnStore({ io, finish, flags }, (administration) => listRules(administration, flags, io)),
  );
  withStoreFlags(group.command('remove').description('remove a rule').argument('<range>', RANGE))
    .addOption(new Option('--allow', 'the rule that allows'))
    .addOption(new Option('--deny', 'the rule that denies').conflicts('allow'))
    .option('--yes', 'do not ask')
    .action((range: string, flags: PeerFlags) =>
      runOnStore({ io, finish, flags }, (administration) => removeRule(administration, range, flags, io)),
    );
}

interface NewRules {
  readonly kind: 'allow' | 'deny';
  readonly ranges: readonly string[];
}

async function addRules(administration: Administration, { kind, ranges }: NewRules, flags: PeerFlags, io: CommandIo) {
  const realm = onlyRealm(flags) ?? '';
  const rules = ranges.map((range): StoredPeerRule => ({ realm, kind, range }));
  // All are judged before the first is added.
  for (const rule of rules) peerRule(rule);
  for (const rule of rules) await administration.addPeerRule(rule);
  const text = rules.map((rule) => `${describe(rule)} added`).join('\n');
  return print({ json: { rules }, text }, flags, io);
}

async function listRules(administration: Administration, flags: PeerFlags, io: CommandIo): Promise<ExitStatus> {
  const rules = await administration.listPeerRules(onlyRealm(flags));
  const rows = rules.map(({ kind, range, realm }) => [kind, range, realm === '' ? '(all)' : realm]);
  const quiet = rules.map(({ kind, range }) => `${kind} ${range}`);
  return print({ json: { rules }, text: table(['RULE', 'PEERS', 'REALM'], rows, 'no rules'), quiet }, flags, io);
}

async function removeRule(administration: Administration, range: string, flags: PeerFlags, io: CommandIo) {
  const realm = onlyRealm(flags) ?? '';
  const rule = { realm, range, kind: await kindOf(administration, { realm, range }, flags) };
  if (!(await isConfirmed(`Remove ${describe(rule)}?`, flags, io))) return ExitStatus.failed;
  await administration.removePeerRule(rule);
  return print({ json: rule, text: `${describe(rule)} removed` }, flags, io);
}

/** As the flags say, else of the only rule that there is. */
async function kindOf(
  administration: Administration,
  { realm, range }: Pick<StoredPeerRule, 'realm' | 'range'>,
  { allow, deny }: PeerFlags,
): Promise<'allow' | 'deny'> {
  if (allow === true) return 'allow';
  if (deny === true) return 'deny';
  const there = (await administration.listPeerRules(realm)).filter((rule) => isSameRange(rule.range, range));
  const [kind, ...others] = new Set(there.map((rule) => rule.kind));
  if (others.length > 0)
    throw new AdminError('invalid', `${quote(range)} is both allowed and denied: add --allow or --deny`);
  if (kind !== undefined) return kind;
  const where = realm === '' ? 'for all realms: name another with --realm' : `in realm ${quote(realm)}`;
  throw new AdminError('not-found', `there is no rule ${quote(range)} ${where}`);
}

function describe({ kind, range, realm }: StoredPeerRule): string {
  return `rule ${kind} ${shown(range)} ${realm === '' ? 'for all realms' : `of realm ${shown(realm)}`}`;
}
