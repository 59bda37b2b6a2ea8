// What a store keeps and can be asked: coturn's own tables in turnd's words, and what turnd keeps beside them. Declares,
// does nothing; the drivers implement it, and one contract suite holds for all of them.

/** A user of a realm, with the long-term keys that prove its password (RFC 8489 §9.2.2). */
export interface StoredUser {
  /** Prepared with OpaqueString, as all realms here. */
  readonly realm: string;
  readonly name: string;
  /** MD5(name:realm:password), 16 bytes: `hmackey` of coturn's tables. */
  readonly md5Key: Buffer;
  /** SHA-256(name:realm:password), 32 bytes; null for a user whom coturn's tools made. */
  readonly sha256Key: Buffer | null;
}

/** Names a user. */
export interface UserId {
  readonly realm: string;
  readonly name: string;
}

/** A shared secret of time-limited (REST) credentials. */
export interface StoredSecret {
  readonly realm: string;
  readonly value: string;
  /** Unix milliseconds from which on it counts no more (it was rotated); null = it stays. */
  readonly expiresAt: number | null;
}

/** A rule about the peers that clients of a realm may reach. */
export interface StoredPeerRule {
  /** Empty = all realms, as in coturn. */
  readonly realm: string;
  readonly kind: 'allow' | 'deny';
  /** As it was written: an address, `first-last`, or a CIDR prefix. */
  readonly range: string;
}

/** What a realm may be given of its own (coturn's `turn_realm_option`); null = the configuration's. */
export interface RealmOptions {
  /** Bytes a second of one allocation, each way. */
  readonly maxBps: number | null;
  /** Allocations of the realm. */
  readonly totalQuota: number | null;
  /** Allocations of one user. */
  readonly userQuota: number | null;
}

/** The name of one of {@link RealmOptions}. */
export type RealmOption = keyof RealmOptions;

/** A realm that has options of its own. */
export interface StoredRealm extends RealmOptions {
  readonly realm: string;
}

/** Clients whose ORIGIN is this are served under the realm. */
export interface StoredOrigin {
  readonly origin: string;
  readonly realm: string;
}

/** A key of RFC 7635 tokens. */
export interface StoredOauthKey {
  readonly kid: string;
  /** Base64, as coturn keeps it. */
  readonly ikmKey: string;
  /** Unix seconds; 0 = any time. */
  readonly timestamp: number;
  /** Seconds; 0 = for ever. */
  readonly lifetime: number;
  /** `A256GCM` or `A128GCM`. */
  readonly asRsAlg: string;
  readonly realm: string;
}

/** Somebody who may use a web interface (coturn's `admin_user`). */
export interface StoredAdmin {
  readonly name: string;
  /** Empty: of all realms. */
  readonly realm: string;
  /** As coturn keeps it, hashed (`$5$…`) or not. */
  readonly password: string;
}

/** Everything but users: small, and read as a whole. */
export interface StoreSnapshot {
  readonly secrets: readonly StoredSecret[];
  readonly peerRules: readonly StoredPeerRule[];
  readonly realms: readonly StoredRealm[];
  readonly origins: readonly StoredOrigin[];
}

/** Which users to list: in the order of realm, then name, by code point. */
export interface UserQuery {
  /** Only of this realm; null = of all. */
  readonly realm: string | null;
  /** Only those after; null = from the first. */
  readonly after: UserId | null;
  readonly limit: number;
}

/**
 * A store. Every call may reject with a StoreError (errors.ts), whose message says which store, what failed and what to
 * do, and never holds a password; and with nothing else. Every call ends within {@link STORE_TIMEOUT_MS}, whatever the
 * server does. Texts of any content (quotes, wildcards, control characters) are one literal parameter (S23).
 * A lost connection mends itself: a later call opens a new one.
 */
export interface Store {
  readonly kind: StoreKind;
  /** Its URL without password: for people. */
  readonly name: string;

  /** One look-up by the key: the hot path, a prepared statement. Exact in letter case. */
  findUser(id: UserId): Promise<StoredUser | null>;
  /** Asks for nothing: rejects when the store does not answer. */
  ping(): Promise<void>;
  /** Everything but users, OAuth keys and admins. */
  snapshot(): Promise<StoreSnapshot>;

  listUsers(query: UserQuery): Promise<readonly UserId[]>;
  /** Adds a user or replaces the one of that name. */
  putUser(user: StoredUser): Promise<void>;
  /** @returns false when there is none of that name */
  removeUser(id: UserId): Promise<boolean>;

  /** Adds a secret or changes the end of the one that is there. */
  putSecret(secret: StoredSecret): Promise<void>;
  removeSecret(realm: string, value: string): Promise<boolean>;

  /** Adds a rule; one that is there stays as it is. */
  putPeerRule(rule: StoredPeerRule): Promise<void>;
  removePeerRule(rule: StoredPeerRule): Promise<boolean>;

  /** Sets an option of a realm; null takes it away. */
  setRealmOption(realm: string, option: RealmOption, value: number | null): Promise<void>;
  putOrigin(origin: StoredOrigin): Promise<void>;
  removeOrigin(origin: string): Promise<boolean>;

  listOauthKeys(): Promise<readonly StoredOauthKey[]>;
  putOauthKey(key: StoredOauthKey): Promise<void>;
  removeOauthKey(kid: string): Promise<boolean>;
  listAdmins(): Promise<readonly StoredAdmin[]>;
  putAdmin(admin: StoredAdmin): Promise<void>;
  removeAdmin(name: string): Promise<boolean>;

  /** Gives connections back. Idempotent; calls after it reject. */
  close(): Promise<void>;
}

/** The kinds of stores. */
export type StoreKind = 'sqlite' | 'postgres' | 'mysql' | 'redis';

/** How long a call may take, in milliseconds. */
export const STORE_TIMEOUT_MS = 2000;
