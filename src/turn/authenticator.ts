// Long-term credentials: judges a request as RFC 8489 §9.2.4 says, in the realm that it belongs to. Keeps nothing; sends
// nothing.
//
// The nonce is judged first, as in RFC 5389 §10.2.2, and not last: a nonce shows that its sender is where he says. What
// comes without a valid one costs neither a look-up nor an HMAC over the message, tells nothing of user or password
// (438, whoever is named and whatever signed it), and is no failed login: a forged source can use up nothing of those who
// are really there. Whatever is verified is counted, over UDP and streams alike (S18, S20).

import { Attribute } from '../stun/attributes.ts';
import { checkIntegrity, hasIntegrity, type IntegrityAttribute } from '../stun/integrity.ts';
import { PasswordAlgorithm, userhash } from '../stun/keys.ts';
import { ABSENT, type MessageView } from '../stun/message-view.ts';
import { NONCE_COOKIE, NONCE_COOKIE_LENGTH, SecurityFeature } from '../stun/nonce-cookie.ts';
import { copyBytes, copyText, copyTextAt, MALFORMED, readPasswordAlgorithm, valueEquals } from '../stun/readers.ts';
import { whenReady } from './awaitable.ts';
import type { ClientEndpoint } from './client-endpoint.ts';
import { AuthFailure, type Awaitable, type Credential, type Env, NoCredential, type Realms } from './env.ts';
import { LoginVerdict } from './login-brake.ts';
import { NonceIssuer } from './nonce.ts';
import { BAD_REQUEST, type Reject, SERVER_ERROR, STALE_NONCE, UNAUTHENTICATED } from './reply.ts';
import { OFFERED_ALGORITHMS, type ReplyIntegrity } from './reply-builder.ts';
import type { SessionBounds } from './session-bounds.ts';
import type { EngineSettings } from './settings.ts';

/** The request is authentic. */
export interface Authenticated {
  readonly kind: 'authenticated';
  readonly credential: Credential;
  /** How the response is to be protected. */
  readonly integrity: ReplyIntegrity;
}

/** The request is not (yet) authentic. */
export interface Refused {
  readonly kind: 'refused';
  readonly reject: Reject;
  /** Why, for the log; null where it is no failure: the first challenge, a stale nonce, a malformed request. */
  readonly failure: AuthFailure | null;
  readonly username: string;
}

export type AuthResult = Authenticated | Refused;

/** What the candidates for a username turned out to be. */
export type Candidates = readonly Credential[] | NoCredential | 'unavailable';

/** A request whose form has been checked: what is left is to find the user and to verify. */
export interface Claim {
  readonly kind: 'claim';
  /** USERNAME, or null when the request has USERHASH instead. */
  readonly username: string | null;
  readonly userhash: Buffer | null;
  /** The realm that the request is judged in: one that is served, whatever REALM says. */
  readonly realm: string;
  readonly algorithm: PasswordAlgorithm;
  /** Whether the client negotiated an algorithm: then the response carries MESSAGE-INTEGRITY-SHA256. */
  readonly negotiated: boolean;
}

// RFC 8489 §14.3: longer names are no names. U+FFFD stands for bytes that are not UTF-8: no stored name has it.
const MAX_USERNAME_BYTES = 763;
const INVALID_UTF8 = '\uFFFD';
// So many are looked up for a message that nobody has signed yet.
const MAX_ORIGINS = 8;

/** Judges requests under one realm. */
export class Authenticator {
  readonly #env: Env;
  readonly #settings: EngineSettings;
  readonly #bounds: SessionBounds;
  readonly #nonces: NonceIssuer;
  // An unknown user costs one HMAC under this key, so that it takes as long as a wrong password.
  readonly #decoy: Credential;

  constructor(env: Env, settings: EngineSettings, bounds: SessionBounds) {
    this.#env = env;
    this.#settings = settings;
    this.#bounds = bounds;
    const features =
      (settings.passwordAlgorithms ? SecurityFeature.PASSWORD_ALGORITHMS : 0) |
      (settings.usernameAnonymity ? SecurityFeature.USERNAME_ANONYMITY : 0);
    this.#nonces = new NonceIssuer(env.nonceKey, settings.nonceLifetime, features);
    const key = Buffer.alloc(32);
    env.random.fill(key);
    const nobody = { username: '', realm: '', quotaKey: null, quotaLimit: 0, realmLimit: 0 };
    this.#decoy = { ...nobody, md5Key: key.subarray(16), sha256Key: key };
  }

  /**
   * The realm of a request: what REALM names, else what its ORIGIN stands for, else the default. Nothing of it is kept:
   * a forged ORIGIN changes the answer to that one message (S26). An allocation outlives its realm.
   */
  realmOf(message: MessageView, endpoint: ClientEndpoint): string {
    const { realms } = this.#env;
    const owners = endpoint.allocation?.credential?.realm ?? this.#settings.realm;
    if (realms === null || (realms.isEmpty && owners === this.#settings.realm)) return this.#settings.realm;
    const named = copyText(message, Attribute.REALM);
    if (named === owners) return named;
    if (named !== null) return realms.serves(named) ? named : this.#settings.realm;
    return realmOfOrigins(message, realms) ?? this.#settings.realm;
  }

  /** A nonce for a challenge to this client. */
  nonceFor(endpoint: ClientEndpoint): string {
    return this.#nonces.issue(endpoint.source, this.#env.clock.wallTime());
  }

  /** Checks the form of a request; what it returns does not refer to the message. */
  readClaim(message: MessageView, endpoint: ClientEndpoint): Claim | Refused {
    if (!hasIntegrity(message)) return refused(UNAUTHENTICATED, null, '');
    const username = copyText(message, Attribute.USERNAME);
    const userhash = username === null ? copyBytes(message, Attribute.USERHASH) : null;
    const nonce = copyText(message, Attribute.NONCE);
    const named = username !== null || userhash !== null;
    if (!named || nonce === null || !message.has(Attribute.REALM)) return refused(BAD_REQUEST, null, '');
    const algorithm = negotiatedAlgorithm(message, nonce);
    if (algorithm === MALFORMED) return refused(BAD_REQUEST, null, username ?? '');
    const negotiated = algorithm !== ABSENT;
    const chosen = algorithm === PasswordAlgorithm.SHA_256 ? PasswordAlgorithm.SHA_256 : PasswordAlgorithm.MD5;
    if (!this.#nonces.check(nonce, endpoint.source, this.#env.clock.wallTime())) {
      return refused(STALE_NONCE, null, username ?? '');
    }
    const realm = this.realmOf(message, endpoint);
    return { kind: 'claim', username, userhash, realm, algorithm: chosen, negotiated };
  }

  /** The owner of the five-tuple's allocation, if it is named: nobody has to be asked for its key, nor to hold it back. */
  ownerOf(claim: Claim, endpoint: ClientEndpoint): Credential | null {
    const owner = endpoint.allocation?.credential ?? null;
    return owner !== null && this.#isNamed(owner, claim) ? owner : null;
  }

  /** Whether the claim may be verified, or too many like it have failed (S20). */
  judgeLogin(claim: Claim, endpoint: ClientEndpoint): LoginVerdict {
    return this.#env.brake?.judge(endpoint.source, claim.realm, this.#loginName(claim)) ?? LoginVerdict.VERIFY;
  }

  /**
   * Finds who may have made the claim. An allocation's owner is known without a look-up, even after expiry: where that is
   * strict, the allocation has ended before.
   */
  candidates(claim: Claim, endpoint: ClientEndpoint): Awaitable<Candidates> {
    const owner = this.ownerOf(claim, endpoint);
    if (owner !== null) return [owner];
    if (claim.username !== null) return this.#find(claim.username, claim.realm);
    if (claim.userhash === null || !this.#settings.usernameAnonymity) return NoCredential.UNKNOWN_USER;
    const username = this.#env.credentials.usernameOf(claim.userhash, claim.realm);
    return whenReady(username, (name) => (name === null ? NoCredential.UNKNOWN_USER : this.#find(name, claim.realm)));
  }

  /** Verifies a claim against its candidates, and tells the brake. */
  verify(claim: Claim, candidates: Candidates, message: MessageView, endpoint: ClientEndpoint): AuthResult {
    const username = claim.username ?? '';
    if (candidates === 'unavailable') return refused(SERVER_ERROR, AuthFailure.UNAVAILABLE, username);
    const list = typeof candidates === 'string' ? [this.#decoy] : candidates;
    const attribute = integrityToCheck(message);
    const credential = list.find((candidate) => {
      const key = keyFor(claim, candidate);
      // Nobody has the decoy's key, but using it takes as long: a user without a SHA-256 key must not stand out.
      const matches = checkIntegrity(message, attribute, key ?? this.#decoy.md5Key);
      return matches && key !== null;
    });
    if (credential === undefined || typeof candidates === 'string') {
      // Whatever the reason, for the brake's answer is one that the client sees (S18).
      this.#env.brake?.failed(endpoint.source, claim.realm, this.#loginName(claim));
      const failure = typeof candidates === 'string' ? candidates : AuthFailure.WRONG_PASSWORD;
      return refused(UNAUTHENTICATED, failure, username);
    }
    this.#env.brake?.succeeded(endpoint.source, claim.realm, this.#loginName(claim));
    const replyAttribute = claim.negotiated ? Attribute.MESSAGE_INTEGRITY_SHA256 : attribute;
    const key = keyFor(claim, credential) as Buffer; // it has just verified the request
    return { kind: 'authenticated', credential, integrity: { attribute: replyAttribute, key } };
  }

  // A user who may be named in two ways has one budget all the same.
  #loginName({ username, userhash: hash, realm }: Claim): string {
    const named = hash ?? (username !== null && this.#settings.usernameAnonymity ? userhash(username, realm) : null);
    return named?.toString('hex') ?? username ?? '';
  }

  #isNamed(owner: Credential, claim: Claim): boolean {
    if (owner.realm !== claim.realm) return false;
    if (claim.userhash === null) return owner.username === claim.username;
    return this.#settings.usernameAnonymity && userhash(owner.username, owner.realm).equals(claim.userhash);
  }

  #find(username: string, realm: string): Awaitable<Candidates> {
    const invalid = username.includes(INVALID_UTF8) || Buffer.byteLength(username, 'utf8') > MAX_USERNAME_BYTES;
    if (invalid) return NoCredential.UNKNOWN_USER;
    return whenReady(this.#env.credentials.find(username, realm), (found) => {
      const isOver = typeof found !== 'string' && found.some((credential) => this.#bounds.isOver(credential));
      return isOver ? NoCredential.EXPIRED : found;
    });
  }
}

// A client may name several origins (coturn's does): the first that is known counts, as in coturn.
function realmOfOrigins(message: MessageView, realms: Realms): string | null {
  let offset = message.find(Attribute.ORIGIN);
  for (let tries = 0; tries < MAX_ORIGINS && offset !== ABSENT; tries++) {
    const realm = realms.ofOrigin(copyTextAt(message, offset));
    if (realm !== null) return realm;
    offset = message.findNext(Attribute.ORIGIN, offset);
  }
  return null;
}

function refused(reject: Reject, failure: AuthFailure | null, username: string): Refused {
  return { kind: 'refused', reject, failure, username };
}

// With MESSAGE-INTEGRITY-SHA256 present, it alone counts (RFC 8489 §9.2.4).
function integrityToCheck(message: MessageView): IntegrityAttribute {
  return message.integritySha256Offset === ABSENT ? Attribute.MESSAGE_INTEGRITY : Attribute.MESSAGE_INTEGRITY_SHA256;
}

function keyFor(claim: Claim, credential: Credential): Buffer | null {
  return claim.algorithm === PasswordAlgorithm.SHA_256 ? credential.sha256Key : credential.md5Key;
}

// The bid-down defence of RFC 8489 §9.2.4: when the nonce says that algorithms were offered, the request carries
// the offer unchanged and a choice from it, or neither (an RFC 5389 client). ABSENT = neither.
function negotiatedAlgorithm(message: MessageView, nonce: string): number {
  if (!offersAlgorithms(nonce)) return ABSENT;
  const offered = message.has(Attribute.PASSWORD_ALGORITHMS);
  const chosen = message.has(Attribute.PASSWORD_ALGORITHM);
  if (!offered && !chosen) return ABSENT;
  if (!offered || !chosen) return MALFORMED;
  if (!valueEquals(message, Attribute.PASSWORD_ALGORITHMS, OFFERED_ALGORITHMS)) return MALFORMED;
  return readPasswordAlgorithm(message);
}

function offersAlgorithms(nonce: string): boolean {
  if (!nonce.startsWith(NONCE_COOKIE)) return false;
  const features = Buffer.from(nonce.slice(NONCE_COOKIE.length, NONCE_COOKIE_LENGTH), 'base64');
  return features.length === 3 && (features.readUIntBE(0, 3) & SecurityFeature.PASSWORD_ALGORITHMS) !== 0;
}
