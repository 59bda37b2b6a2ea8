// Owns the Config type: what the rest of the program may know of the configuration. Parsed once, frozen, complete.

import type { StoreUrl } from '../store/store-url.ts';
import type { ConfiguredToken } from './api-tokens.ts';
import { type CamelKeys, camelKeys } from './camel-case.ts';
import type { ControlSettings } from './control-settings.ts';
import type { Credentials } from './credentials.ts';
import type { Settings } from './schema.ts';
import type { StaticUser } from './user-file.ts';
import type { ConfiguredWebhook } from './webhook-settings.ts';

type Own = 'auth' | 'state-dir' | 'log' | 'store' | 'statsdb' | 'control' | 'webhooks';
type CamelSettings = CamelKeys<Omit<Settings, Own>>;
type AuthSettings = CamelKeys<Omit<Settings['auth'], 'secrets' | 'users' | 'user-file'>>;
type LogSettings = CamelKeys<Omit<Settings['log'], 'file'>>;

/** The whole configuration, deeply frozen. Times are in seconds, sizes in bytes, paths absolute. */
export interface Config extends CamelSettings {
  /** Absolute path; it may not exist yet. */
  readonly stateDir: string;
  readonly auth: AuthSettings & {
    /** Shared secrets of REST credentials, their files read. */
    readonly secrets: readonly string[];
    /** Static users of `auth.users` and `auth.user-file`. */
    readonly users: readonly StaticUser[];
  };
  readonly log: LogSettings & {
    /** Absolute path, or null for standard output. */
    readonly file: string | null;
  };
  /** Where users, secrets and realms are kept; null = nowhere. */
  readonly store: StoreSetting | null;
  /** The Redis that is told of allocations, or null. */
  readonly statsdb: StoreUrl | null;
  readonly control: CamelKeys<Omit<ControlSettings, 'socket' | 'tls' | 'tokens'>> & {
    /** Absolute path of the Unix socket; null = there is none. */
    readonly socket: string | null;
    /** Whether nobody asked for it: then turnd runs without it too. */
    readonly isDefault: boolean;
    /** Of https:// addresses; null = as for TURN. */
    readonly tls: NonNullable<ControlSettings['tls']> | null;
    readonly tokens: readonly ConfiguredToken[];
  };
  /** Where events are sent, the files of secrets read. */
  readonly webhooks: readonly ConfiguredWebhook[];
  /** Whether any user, secret or store is named. If not, there may still be users in the default store. */
  readonly hasCredentials: boolean;
  /** The file that was read, or null if there was none. */
  readonly configFile: string | null;
}

/** A store that was configured, or the default one. */
export interface StoreSetting {
  readonly url: StoreUrl;
  /** Whether nobody asked for it: then it need not be there. */
  readonly isDefault: boolean;
}

/** What a server without credentials is told (SECURITY.md S12). */
export const NO_CREDENTIALS =
  'auth: no credentials: set auth.secrets, auth.users or auth.user-file, or make a user with `turnctl user add` (or set ' +
  'auth.anonymous: true in a lab)';

/** Facts that are not in the settings themselves. */
export interface ConfigExtras {
  readonly credentials: Credentials;
  readonly stateDir: string;
  readonly logFile: string | null;
  readonly configFile: string | null;
  readonly store: StoreSetting | null;
  readonly statsdb: StoreUrl | null;
  readonly controlSocket: string | null;
  readonly controlTls: NonNullable<ControlSettings['tls']> | null;
  readonly tokens: readonly ConfiguredToken[];
  readonly webhooks: readonly ConfiguredWebhook[];
}

/** Makes the frozen Config of settings that have passed the schema. */
export function makeConfig(settings: Settings, extras: ConfigExtras): Config {
  const { auth, log, 'state-dir': _stateDir, store: _store, statsdb: _statsdb, control, ...more } = settings;
  const { webhooks: _webhooks, ...rest } = more;
  const { secrets: _secrets, users: _users, 'user-file': _userFile, ...authRest } = auth;
  const { file: _file, ...logRest } = log;
  const { socket, tls: _tls, tokens: _tokens, ...controlRest } = control;
  const { secrets, users } = extras.credentials;
  return Object.freeze({
    ...camelKeys(rest),
    auth: camelKeys({ ...authRest, secrets, users }),
    log: Object.freeze({ ...camelKeys(logRest), file: extras.logFile }),
    stateDir: extras.stateDir,
    store: extras.store,
    statsdb: extras.statsdb,
    webhooks: extras.webhooks,
    control: Object.freeze({
      ...camelKeys(controlRest),
      socket: extras.controlSocket,
      isDefault: socket === 'auto',
      tls: extras.controlTls && Object.freeze({ ...extras.controlTls }),
      tokens: extras.tokens,
    }),
    hasCredentials: secrets.length + users.length > 0 || (extras.store !== null && !extras.store.isDefault),
    configFile: extras.configFile,
  });
}
