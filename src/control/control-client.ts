// A running turnd, administered from another process. The same words as for a store at hand, and what only a running
// server can do.

import type { EventFilter } from '../events/event-reader.ts';
import type { RealmOption, StoredOrigin, StoredPeerRule, UserId, UserQuery } from '../store/store.ts';
import type { SessionDetail, SessionInfo, SessionQuery, SessionSelector } from '../workers/sessions.ts';
import {
  AdminError,
  type Administration,
  type OauthKeyChange,
  type OauthKeyView,
  type OauthKeyWish,
  type RealmView,
  type SecretView,
  type UserView,
} from './administration.ts';
import { askControl, type ControlAddress, type ControlRequest } from './control-transport.ts';
import { type Follower, followEvents } from './event-client.ts';
import type { CredentialsWish, IceCredentials } from './ice-credentials.ts';
import type { DrainRequest, DrainStatus, ReloadReport, ServerStatus } from './server-control.ts';
import type { NewToken, TokenAdministration, TokenView, TokenWish } from './tokens.ts';

/** A page of sessions. */
export interface SessionPage {
  readonly sessions: readonly SessionInfo[];
  /** What `after` is for the next page; null = this is the last one. */
  readonly next: number | null;
}

/** Every method may reject with an AdminError, UnreachableError among them. */
export class ControlClient implements Administration, TokenAdministration {
  readonly defaultRealm: string;
  readonly storeName: string;
  readonly #address: ControlAddress;

  private constructor(address: ControlAddress, status: ServerStatus) {
    this.#address = address;
    this.defaultRealm = status.realm;
    this.storeName = status.store?.name ?? 'none';
  }

  /** Finds out whether a turnd answers at the address. @throws UnreachableError */
  static async open(address: ControlAddress): Promise<ControlClient> {
    return new ControlClient(
      address,
      (await askControl(address, { method: 'GET', target: '/v1/status' })) as ServerStatus,
    );
  }

  status(): Promise<ServerStatus> {
    return this.#get('/v1/status');
  }

  reload(): Promise<ReloadReport> {
    return this.#ask({ method: 'POST', target: '/v1/reload' });
  }

  /** @throws AdminError conflict for a turnd that a signal has told to end */
  drain(wish: DrainRequest): Promise<DrainStatus> {
    return this.#ask({ method: 'POST', target: '/v1/drain', body: wish });
  }

  /** @throws AdminError, as {@link drain} */
  async undrain(): Promise<void> {
    await this.#ask({ method: 'DELETE', target: '/v1/drain' });
  }

  async setLogLevel(level: string): Promise<void> {
    await this.#ask({ method: 'PUT', target: '/v1/log-level', body: { level } });
  }

  credentials({ ttlSeconds: ttl, userId: user, label, host, realm }: CredentialsWish): Promise<IceCredentials> {
    return this.#ask({ method: 'POST', target: '/v1/credentials', body: { ttl, user, label, host, realm } });
  }

  /** @returns how many allocations have ended. @throws AdminError invalid, unavailable */
  async revoke(username: string): Promise<number> {
    const target = `/v1/credentials/${segmentOf(username, 'username')}`;
    return (await this.#ask<{ ended: number }>({ method: 'DELETE', target })).ended;
  }

  sessions(query: SessionQuery): Promise<SessionPage> {
    return this.#get(withQuery('/v1/sessions', { ...query }));
  }

  /** @throws AdminError not-found */
  session(id: number): Promise<SessionDetail> {
    return this.#get(`/v1/sessions/${id}`);
  }

  /** Follows events as they happen. Resolves when either side has ended the stream. @throws AdminError */
  followEvents({ types, realm, user }: EventFilter, follower: Follower): Promise<void> {
    const type = types === null ? null : types.join();
    return followEvents(this.#address, withQuery('/v1/events', { type, realm, user }), follower);
  }

  /** @throws AdminError not-found for an id that is not there */
  async end(selector: SessionSelector): Promise<number> {
    const target = 'id' in selector ? `/v1/sessions/${selector.id}` : withQuery('/v1/sessions', { ...selector });
    const { ended } = await this.#ask<{ ended: number }>({ method: 'DELETE', target });
    return ended;
  }

  async listUsers({ realm, after, limit }: UserQuery): Promise<readonly UserId[]> {
    const query = { realm, limit, after: after?.name ?? null, 'after-realm': after?.realm ?? null };
    return (await this.#get<{ users: UserId[] }>(withQuery('/v1/users', query))).users;
  }

  async showUser(id: UserId): Promise<UserView> {
    return this.#get(userPath(id));
  }

  async addUser({ realm, name }: UserId, password: string): Promise<UserView> {
    return this.#ask({ method: 'POST', target: `${realmPath(realm)}/users`, body: { name, password } });
  }

  async setPassword(id: UserId, password: string): Promise<UserView> {
    return this.#ask({ method: 'PUT', target: `${userPath(id)}/password`, body: { password } });
  }

  async removeUser(id: UserId): Promise<void> {
    await this.#ask({ method: 'DELETE', target: userPath(id) });
  }

  async listSecrets(realm: string | null, reveal: boolean): Promise<readonly SecretView[]> {
    return (await this.#get<{ secrets: SecretView[] }>(withQuery('/v1/secrets', { realm, reveal }))).secrets;
  }

  async addSecret(realm: string, value: string | null): Promise<SecretView> {
    return this.#ask({ method: 'POST', target: `${realmPath(realm)}/secrets`, body: { value, reveal: true } });
  }

  async rotateSecret(realm: string, value: string | null, graceSeconds: number): Promise<SecretView> {
    const body = { value, reveal: true, graceSeconds };
    return this.#ask({ method: 'POST', target: `${realmPath(realm)}/secrets/rotate`, body });
  }

  async removeSecret(realm: string, id: string): Promise<SecretView> {
    return this.#ask({ method: 'DELETE', target: `${realmPath(realm)}/secrets/${encodeURIComponent(id)}` });
  }

  async listPeerRules(realm: string | null): Promise<readonly StoredPeerRule[]> {
    return (await this.#get<{ rules: StoredPeerRule[] }>(withQuery('/v1/peers', { realm }))).rules;
  }

  async addPeerRule(rule: StoredPeerRule): Promise<void> {
    await this.#ask({ method: 'POST', target: '/v1/peers', body: rule });
  }

  async removePeerRule(rule: StoredPeerRule): Promise<void> {
    await this.#ask({ method: 'DELETE', target: withQuery('/v1/peers', { ...rule }) });
  }

  async listRealms(): Promise<readonly RealmView[]> {
    return (await this.#get<{ realms: RealmView[] }>('/v1/realms')).realms;
  }

  async setRealmOption(realm: string, option: RealmOption, value: number | null): Promise<void> {
    await this.#ask({ method: 'PATCH', target: realmPath(realm), body: { [option]: value } });
  }

  async addOrigin(origin: StoredOrigin): Promise<void> {
    await this.#ask({ method: 'POST', target: '/v1/origins', body: origin });
  }

  async removeOrigin(origin: string): Promise<void> {
    await this.#ask({ method: 'DELETE', target: withQuery('/v1/origins', { origin }) });
  }

  async listOauthKeys(realm: string | null): Promise<readonly OauthKeyView[]> {
    return (await this.#get<{ keys: OauthKeyView[] }>(withQuery('/v1/oauth-keys', { realm }))).keys;
  }

  async showOauthKey(kid: string, reveal: boolean): Promise<OauthKeyView> {
    return this.#get(withQuery(oauthKeyPath(kid), { reveal }));
  }

  async addOauthKey(wish: OauthKeyWish): Promise<OauthKeyView> {
    return this.#ask({ method: 'POST', target: '/v1/oauth-keys', body: { ...wish, reveal: true } });
  }

  async changeOauthKey(kid: string, change: OauthKeyChange): Promise<OauthKeyView> {
    return this.#ask({ method: 'PATCH', target: oauthKeyPath(kid), body: change });
  }

  async removeOauthKey(kid: string): Promise<OauthKeyView> {
    return this.#ask({ method: 'DELETE', target: oauthKeyPath(kid) });
  }

  async listTokens(): Promise<readonly TokenView[]> {
    return (await this.#get<{ tokens: TokenView[] }>('/v1/tokens')).tokens;
  }

  async addToken({ name, scopes, expiresAt }: TokenWish): Promise<NewToken> {
    return this.#ask({ method: 'POST', target: '/v1/tokens', body: { name, scopes, expiresAt } });
  }

  async removeToken(name: string): Promise<TokenView> {
    return this.#ask({ method: 'DELETE', target: `/v1/tokens/${segmentOf(name, 'name')}` });
  }

  #get<T>(target: string): Promise<T> {
    return this.#ask({ method: 'GET', target });
  }

  // Both ends are of one package.
  async #ask<T>(request: ControlRequest): Promise<T> {
    return (await askControl(this.#address, request)) as T;
  }
}

function realmPath(realm: string): string {
  return `/v1/realms/${segmentOf(realm, 'realm')}`;
}

function userPath({ realm, name }: UserId): string {
  return `${realmPath(realm)}/users/${segmentOf(name, 'user name')}`;
}

function oauthKeyPath(kid: string): string {
  return `/v1/oauth-keys/${segmentOf(kid, 'ID of the key')}`;
}

// A path has no empty segments.
function segmentOf(text: string, what: string): string {
  if (text === '') throw new AdminError('invalid', `the ${what} is empty`);
  return encode(text);
}

// A lone surrogate has no encoding; it becomes U+FFFD, as everywhere.
function encode(text: string): string {
  return encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd'));
}

function withQuery(path: string, query: Readonly<Record<string, string | number | boolean | null>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== null);
  const text = given.map(([name, value]) => `${encode(name)}=${encode(String(value))}`).join('&');
  return text === '' ? path : `${path}?${text}`;
}
