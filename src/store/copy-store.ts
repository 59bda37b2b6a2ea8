// Copies what one store keeps into another, row by row, and tells what it did. What is there and differs stays, unless it
// is to be replaced; rows that cannot be read or kept are reported, and the others go on.

import { isDeepStrictEqual } from 'node:util';
import { StoreError } from '../errors.ts';
import type { RealmOption, Store, StoredPeerRule, UserId } from './store.ts';

/** How it is done. */
export interface CopyOptions {
  /** Whether what differs is overwritten. */
  readonly replace: boolean;
  /** Whether nothing is written, and only told what would be. */
  readonly dryRun: boolean;
  /** Why a range of peers is none; null for one that is. */
  readonly rangeFault: (range: string) => string | null;
}

/** Rows of one kind. */
export interface CopyCount {
  added: number;
  replaced: number;
  /** There already, and alike. */
  same: number;
  /** There already, different, and left. */
  kept: number;
  /** Could not be copied. */
  bad: number;
}

/** What is copied, in this order. */
export const COPIED_KINDS = ['users', 'secrets', 'peers', 'realms', 'origins', 'oauth-keys', 'admins'] as const;
export type CopiedKind = (typeof COPIED_KINDS)[number];

/** What was done. */
export interface CopyReport {
  readonly counts: Readonly<Record<CopiedKind, CopyCount>>;
  /** A sentence for each row that was kept or is bad. Never with a key or secret. */
  readonly remarks: readonly string[];
}

/** One row on its way. */
interface Row {
  readonly kind: CopiedKind;
  /** What it is called, for people. */
  readonly name: string;
  readonly value: unknown;
  /** What the other store has in its place; null = nothing. */
  readonly present: unknown;
  readonly put: () => Promise<void>;
}

const PAGE = 500;
/** As many as a store has connections for. */
const AT_ONCE = 4;
const REALM_OPTIONS: readonly RealmOption[] = ['maxBps', 'totalQuota', 'userQuota'];

/** Copies everything. Rejects with a StoreError when one of the stores cannot be used (any more). */
export async function copyStore(from: Store, to: Store, options: CopyOptions): Promise<CopyReport> {
  const copy = new Copy(options);
  await copyUsers(from, to, copy);
  await copySnapshot(from, to, copy);
  await copyLists(from, to, copy);
  return { counts: copy.counts, remarks: copy.remarks };
}

class Copy {
  readonly options: CopyOptions;
  readonly remarks: string[] = [];
  readonly counts = Object.fromEntries(
    COPIED_KINDS.map((kind) => [kind, { added: 0, replaced: 0, same: 0, kept: 0, bad: 0 }]),
  ) as Record<CopiedKind, CopyCount>;

  constructor(options: CopyOptions) {
    this.options = options;
  }

  async row({ kind, name, value, present, put }: Row): Promise<void> {
    const { replace, dryRun } = this.options;
    const count = this.counts[kind];
    if (present !== null && isDeepStrictEqual(present, value)) {
      count.same++;
      return;
    }
    if (present !== null && !replace) {
      count.kept++;
      this.remarks.push(`${name} is there and differs: kept`);
      return;
    }
    try {
      if (!dryRun) await put();
      count[present === null ? 'added' : 'replaced']++;
    } catch (error) {
      if (!isOfOneRow(error)) throw error;
      this.bad(kind, `${name} cannot be kept: ${error.message}`);
    }
  }

  bad(kind: CopiedKind, remark: string): void {
    this.counts[kind].bad++;
    this.remarks.push(remark);
  }
}

/** A store that says no to one row may take the next; one that is gone will not. */
function isOfOneRow(error: unknown): error is StoreError {
  return error instanceof StoreError && error.fault === 'failed';
}

async function copyUsers(from: Store, to: Store, copy: Copy): Promise<void> {
  let after: UserId | null = null;
  for (;;) {
    const page: readonly UserId[] = await from.listUsers({ realm: null, after, limit: PAGE });
    for (let start = 0; start < page.length; start += AT_ONCE) {
      await Promise.all(page.slice(start, start + AT_ONCE).map((id) => copyUser(id, { from, to, copy })));
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last;
  }
}

async function copyUser(id: UserId, { from, to, copy }: { from: Store; to: Store; copy: Copy }): Promise<void> {
  const name = `user ${JSON.stringify(id.name)} of realm ${JSON.stringify(id.realm)}`;
  try {
    const user = await from.findUser(id);
    if (user === null) return copy.bad('users', `${name} has no key that can be read`);
    const present = await to.findUser(id);
    return await copy.row({ kind: 'users', name, value: user, present, put: () => to.putUser(user) });
  } catch (error) {
    if (!isOfOneRow(error)) throw error;
    return copy.bad('users', `${name} cannot be read: ${error.message}`);
  }
}

async function copySnapshot(from: Store, to: Store, copy: Copy): Promise<void> {
  const [source, target] = [await from.snapshot(), await to.snapshot()];
  for (const [index, secret] of source.secrets.entries()) {
    const { realm, value } = secret;
    const present = target.secrets.find((other) => other.realm === realm && other.value === value) ?? null;
    const name = `secret ${index + 1} (realm ${JSON.stringify(realm)})`;
    await copy.row({ kind: 'secrets', name, value: secret, present, put: () => to.putSecret(secret) });
  }
  for (const rule of source.peerRules) await copyRule(rule, target.peerRules, { to, copy });
  for (const { realm, ...given } of source.realms) {
    const there = target.realms.find((other) => other.realm === realm);
    for (const option of REALM_OPTIONS.filter((one) => given[one] !== null)) {
      const [value, present] = [given[option], there?.[option] ?? null];
      const name = `${option} of realm ${JSON.stringify(realm)}`;
      await copy.row({ kind: 'realms', name, value, present, put: () => to.setRealmOption(realm, option, value) });
    }
  }
  for (const origin of source.origins) {
    const present = target.origins.find((other) => other.origin === origin.origin) ?? null;
    const name = `origin ${JSON.stringify(origin.origin)}`;
    await copy.row({ kind: 'origins', name, value: origin, present, put: () => to.putOrigin(origin) });
  }
}

async function copyRule(
  rule: StoredPeerRule,
  there: readonly StoredPeerRule[],
  { to, copy }: { to: Store; copy: Copy },
): Promise<void> {
  const name = `peer rule ${rule.kind} ${JSON.stringify(rule.range)} of realm ${JSON.stringify(rule.realm)}`;
  const fault = copy.options.rangeFault(rule.range);
  if (fault !== null) return copy.bad('peers', `${name}: ${fault}`);
  const present = there.find((other) => isDeepStrictEqual(other, rule)) ?? null;
  return copy.row({ kind: 'peers', name, value: rule, present, put: () => to.putPeerRule(rule) });
}

async function copyLists(from: Store, to: Store, copy: Copy): Promise<void> {
  const keys = await to.listOauthKeys();
  for (const key of await from.listOauthKeys()) {
    const present = keys.find((other) => other.kid === key.kid) ?? null;
    const name = `OAuth key ${JSON.stringify(key.kid)}`;
    await copy.row({ kind: 'oauth-keys', name, value: key, present, put: () => to.putOauthKey(key) });
  }
  const admins = await to.listAdmins();
  for (const admin of await from.listAdmins()) {
    const present = admins.find((other) => other.name === admin.name) ?? null;
    const name = `admin ${JSON.stringify(admin.name)}`;
    await copy.row({ kind: 'admins', name, value: admin, present, put: () => to.putAdmin(admin) });
  }
}
