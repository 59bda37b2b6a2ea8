// What the control API needs of a running server. Declares, does nothing: the server puts it together.

import type { Config } from '../config/config.ts';
import type { EventFilter, EventReader } from '../events/event-reader.ts';
import type { CounterTree } from '../workers/counter-tree.ts';
import type { SessionDetail, SessionInfo, SessionQuery, SessionSelector } from '../workers/sessions.ts';
import type { Administration } from './administration.ts';
import type { TokenAdministration } from './tokens.ts';

/** How the store is doing. */
export interface StoreStatus {
  /** Its URL without password. */
  readonly name: string;
  readonly isAnswering: boolean;
  /** Why not, in one sentence; null while it answers. */
  readonly problem: string | null;
}

/** A listening address. */
export interface ListenerStatus {
  readonly transport: string;
  readonly address: string;
}

/** What a server says of itself. */
export interface ServerStatus {
  readonly version: string;
  readonly pid: number;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly plane: string;
  /** Relay worker processes; 0 = all is one process. */
  readonly workers: number;
  readonly realm: string;
  readonly listeners: readonly ListenerStatus[];
  /** Relayed addresses as shown to clients. */
  readonly relayed: readonly string[];
  readonly allocations: number;
  /** Null while allocations are made as ever. */
  readonly drain: DrainStatus | null;
  /** Absolute path, or null if there is none. */
  readonly configFile: string | null;
  readonly stateDir: string;
  readonly logLevel: string;
  /** Null where there is none. */
  readonly store: StoreStatus | null;
  readonly counters: CounterTree;
}

/** What a reload did. */
export interface ReloadReport {
  /** Keys whose new value is in effect. */
  readonly applied: readonly string[];
  /** Keys whose new value needs a restart. */
  readonly restart: readonly string[];
  readonly warnings: readonly string[];
}

/** A configuration, as it may be shown. */
export interface ConfigReport {
  /** Absolute path, or null if there is none. */
  readonly file: string | null;
  /** Every key as in the file, the defaults included, secrets as stars. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Keys whose value in `config` comes into effect with the next start. */
  readonly restart: readonly string[];
}

/** How a server is to go out of service. */
export interface DrainWish {
  /** Seconds after which it is done, whatever still lives; null = no such time. */
  readonly timeout: number | null;
  /** It is done when so few allocations are left. */
  readonly threshold: number;
  /** Whether the server goes on, refusing allocations, when it is done; else it ends. */
  readonly stays: boolean;
}

/** The same as it is asked for. */
export interface DrainRequest extends Omit<DrainWish, 'threshold'> {
  /** Null: as configured. */
  readonly threshold: number | null;
}

/** How far it has come. */
export interface DrainStatus {
  /** Unix milliseconds. */
  readonly since: number;
  /** Unix milliseconds; null = no such time. */
  readonly until: number | null;
  readonly threshold: number;
  readonly stays: boolean;
  /** Those that live. */
  readonly allocations: number;
  readonly isDone: boolean;
}

/** A running server, as it is controlled. */
export interface ServerControl {
  readonly tokens: TokenAdministration;
  /** Null where the server has no store. */
  readonly administration: Administration | null;
  status(): Promise<ServerStatus>;
  config(): Promise<ConfigReport>;
  /** One page of the live allocations, in the order of their ids. */
  sessions(query: SessionQuery): Promise<readonly SessionInfo[]>;
  /** One allocation with its permissions and channels, or null if there is none of that id. */
  session(id: number): Promise<SessionDetail | null>;
  /** A reader of events, to be closed; null where there are too many already. @param lastId of the last event he has */
  events(filter: EventFilter, lastId: string | null): EventReader | null;
  /** Ends allocations. @returns how many */
  end(selector: SessionSelector): Promise<number>;
  /** Reads the configuration again. @throws AdminError invalid, every fault a line of it; nothing has changed then */
  reload(): Promise<ReloadReport>;
  /** Whether new allocations are refused: then it is not ready, whatever else is well. */
  readonly isDraining: boolean;
  /** @param wish `threshold` null: as configured. @throws AdminError conflict for a server that a signal has told to end */
  drain(wish: DrainRequest): Promise<DrainStatus>;
  /** Makes allocations again. @throws AdminError, as {@link drain} */
  undrain(): Promise<void>;
  /** Applies to all processes at once, until the next reload or restart. */
  setLogLevel(level: Config['log']['level']): Promise<void>;
  /** What credentials for apps are made of, in a realm (null: the default one). */
  iceSource(realm: string | null): Promise<IceSource>;
  /**
   * Refuses a time-limited username from now on, in every realm, and ends its allocations within a second.
   * @returns how many have ended at once
   * @throws AdminError invalid for another name, unavailable when it cannot be kept
   */
  revoke(username: string): Promise<number>;
}

/** What an `iceServers` entry is made of. */
export interface IceSource {
  /** As clients reach it: `stun:` first, then `turn:` and `turns:`. */
  readonly urls: readonly string[];
  readonly realm: string;
  /** The shared secrets that count now, the one to make credentials with first. */
  readonly secrets: readonly string[];
  /** What stands between timestamp and user id. */
  readonly separator: string;
  /** Whether a username has been revoked: it is not to be given out again. */
  isRevoked(username: string): boolean;
}
