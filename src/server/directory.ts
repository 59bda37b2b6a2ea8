// Who may use the server, and what each realm is given: configuration and store together, kept up to date while the server
// runs. Lives in main; whoever serves clients is told of every change.

import { prepareRealm, SourcedCredentials } from '../auth/credentials.ts';
import { LimitedCredentials } from '../auth/realm-limits.ts';
import { NO_REALMS, type RealmTableData } from '../auth/realm-table.ts';
import { RestSecrets } from '../auth/rest-secrets.ts';
import type { RevokedNames } from '../auth/revoked-names.ts';
import { type StaticUser, StaticUsers } from '../auth/static-users.ts';
import type { StoreUsers } from '../auth/store-users.ts';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../errors.ts';
import type { Logger } from '../log/logger.ts';
import type { LabUser } from '../state/kept-secrets.ts';
import type { StoredSecret, StoreSnapshot, UserId } from '../store/store.ts';
import type { Clock, Credentials } from '../turn/env.ts';
import { readRealms } from './realm-data.ts';

/** What a directory is made of. */
export interface DirectoryParts {
  readonly config: Config;
  /** The user of a server without any configuration, or null. */
  readonly labUser: LabUser | null;
  /** The users of the store, or null. */
  readonly storeUsers: StoreUsers | null;
  /** Whether nobody has asked for the store, and nobody is in it: then it forbids nothing. */
  readonly isStoreIdle: boolean;
  /** Time-limited names that are refused. Whoever adds one calls {@link Directory.touch}. */
  readonly revoked: RevokedNames;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Sources {
  readonly credentials: Credentials;
  readonly secrets: RestSecrets;
  readonly users: readonly StaticUser[];
}

/** Users, secrets and realms. */
export class Directory {
  /** The default one, prepared with OpaqueString. */
  readonly realm: string;
  readonly #parts: DirectoryParts;
  readonly #limited: LimitedCredentials;
  #secrets: RestSecrets;
  /** Of the configuration. */
  #users: readonly StaticUser[];
  #stored: StoreSnapshot | null = null;
  #realms: RealmTableData = NO_REALMS;
  #changed: () => void = () => {};

  /** @throws ConfigError for a realm or user that no client could prove, or for options that contradict each other */
  constructor(parts: DirectoryParts) {
    this.#parts = parts;
    this.realm = prepareRealm(parts.config.realm);
    const { credentials, secrets, users } = this.#source(parts.config);
    this.#secrets = secrets;
    this.#users = users;
    this.#limited = new LimitedCredentials(credentials);
  }

  get credentials(): Credentials {
    return this.#limited;
  }

  /** What the store says of realms, for whoever serves clients. */
  get realms(): RealmTableData {
    return this.#realms;
  }

  /** The shared secrets of a realm, the one that counts longest first: those of the store before the configuration's. */
  secretsOf(realm: string): readonly string[] {
    const stored = (this.#stored?.secrets ?? []).filter((secret) => secret.realm === realm);
    const endOf = (secret: StoredSecret): number => secret.expiresAt ?? Number.POSITIVE_INFINITY;
    const sorted = stored.toSorted((left, right) => (endOf(left) < endOf(right) ? 1 : -1));
    return [...new Set([...sorted.map(({ value }) => value), ...this.#secrets.secretsOf(realm)])];
  }

  /** Whether the configuration has this user: it stands before one of the store. */
  isConfigured({ realm, name }: UserId): boolean {
    return realm === this.realm && this.#users.some((user) => user.name === name);
  }

  /** Calls `changed` whenever something that was told of users, secrets or realms is void. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  /** Refuses what {@link configure} would refuse. @throws ConfigError */
  check(config: Config): void {
    this.#source(config);
  }

  /**
   * Users and secrets of the configuration are now these. Nobody is told: {@link touch} does.
   * @throws ConfigError as the constructor; nothing has changed then
   */
  configure(config: Config): void {
    const { credentials, secrets, users } = this.#source(config);
    this.#secrets = secrets;
    this.#users = users;
    this.#limited.setCredentials(credentials);
    this.#parts.storeUsers?.setLimit(config.limits.allocationsPerUser);
    if (this.#stored !== null) this.#read(this.#stored);
  }

  /** The store is now like this. */
  apply(snapshot: StoreSnapshot): void {
    this.#stored = snapshot;
    this.#read(snapshot);
    this.#changed();
  }

  /** Tells whoever serves clients that what they know is void. */
  touch(): void {
    this.#changed();
  }

  #read(snapshot: StoreSnapshot): void {
    const { data, problems } = readRealms(snapshot);
    for (const problem of problems) this.#parts.logger.warn({ event: 'store-rule' }, problem);
    this.#realms = data;
    const realms = new Set(snapshot.secrets.map(({ realm }) => realm));
    this.#secrets.setRealmSecrets(
      [...realms].map((realm) => ({
        realm,
        secrets: snapshot.secrets.filter((each) => each.realm === realm).map(({ value }) => value),
      })),
    );
    this.#limited.setLimits(snapshot.realms);
  }

  #source(config: Config): Sources {
    const { labUser, storeUsers, isStoreIdle, revoked, clock } = this.#parts;
    const { auth, limits } = config;
    const users: StaticUser[] = labUser === null ? [...auth.users] : [labUser];
    const secrets = new RestSecrets(
      {
        separator: auth.restSeparator,
        allocationsPerRestUser: limits.allocationsPerRestUser,
        isRevoked: (username) => revoked.has(username),
      },
      auth.secrets,
      clock,
    );
    const { allocationsPerUser } = limits;
    const configured = [new StaticUsers({ realm: this.realm, allocationsPerUser }, users), secrets];
    const sources = storeUsers === null ? configured : [...configured, storeUsers];
    checkOffers(config, new SourcedCredentials(isStoreIdle ? configured : sources));
    return { credentials: new SourcedCredentials(sources), secrets, users };
  }
}

// The challenge comes before the user is known: a client that picked what he cannot prove would fail for good.
function checkOffers({ auth }: Config, credentials: SourcedCredentials): void {
  if (auth.passwordAlgorithms === true && !credentials.derivesSha256) {
    throw new ConfigError([
      'auth.password-algorithms: of some users only the MD5 key is known, and they would fail: give passwords, or set force',
    ]);
  }
  if (auth.usernameAnonymity && !credentials.resolvesUserhashes) {
    throw new ConfigError([
      'auth.username-anonymity: does not work with auth.secrets or a store: their user names cannot be told from hashes',
    ]);
  }
}
