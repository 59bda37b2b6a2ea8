// Who may use the server: users, secrets, the realm, and which of coturn's switches for them hold together.

import type { Entry } from './coturn-file.ts';
import type { Draft } from './draft.ts';

/** RFC 8656 §5: less than an hour. */
const MAX_NONCE_SECONDS = 3500;
const SECONDS = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** How clients prove who they are. */
export interface AuthResult {
  /** Whether credentials are demanded at all. */
  readonly isDemanded: boolean;
  /** Whether any credentials stand in the file itself. */
  readonly hasOwn: boolean;
}

/** Sets `realm` and what stands below `auth`. */
export function resolveAuth(draft: Draft): AuthResult {
  const users = draft.texts('user');
  const secrets = draft.texts('static-auth-secret');
  const result = resolveMode(draft, users.length > 0, secrets.length > 0);
  resolveRealm(draft, result);
  setSecrets(draft, secrets);
  setUsers(draft, users);
  resolveDetails(draft);
  return result;
}

function resolveMode(draft: Draft, hasUsers: boolean, hasSecrets: boolean): AuthResult {
  const hasRest = hasSecrets || draft.all('use-auth-secret').length > 0;
  const isLongTerm = draft.isOn('lt-cred-mech') || hasRest;
  const isAnonymous = draft.isOn('no-auth');
  const noAuth = draft.last('no-auth');
  warnOfSecretSwitch(draft);
  if (isAnonymous && isLongTerm && noAuth !== null) {
    draft.fault(
      noAuth,
      'cannot stand beside lt-cred-mech, use-auth-secret or static-auth-secret: coturn does not start so',
    );
  } else if (isAnonymous && noAuth !== null) {
    draft.set('auth.anonymous', true, 'no-auth: everyone is served. For labs only.', [noAuth]);
    draft.warn(noAuth, 'everyone may relay through this server: for labs only');
  }
  const isDemanded = !isAnonymous && (isLongTerm || hasUsers);
  if (!isAnonymous && !isDemanded) warnOfOpenServer(draft);
  return { isDemanded, hasOwn: hasUsers || hasSecrets };
}

/** coturn does not look at the value of this one. */
function warnOfSecretSwitch(draft: Draft): void {
  const entry = draft.last('use-auth-secret');
  if (entry === null || draft.switchOf(entry) !== false) return;
  draft.warn(entry, 'is on, whatever its value: so it is in coturn; take the line away');
}

function warnOfOpenServer(draft: Draft): void {
  draft.warn(
    'lt-cred-mech',
    'is absent and there is no user and no secret: coturn serves everyone then, turnd does not (no-auth says it for labs)',
  );
}

function resolveRealm(draft: Draft, { isDemanded }: AuthResult): void {
  const entry = draft.text('realm');
  if (entry !== null) draft.set('realm', entry.value, 'Keys in a database are made with it.', [entry]);
  else if (isDemanded) {
    draft.warn(
      'realm',
      'is absent: coturn takes the domain of the host, turnd takes "turnd"; keys in a database need the right one',
    );
  }
}

function setSecrets(draft: Draft, secrets: readonly Entry[]): void {
  if (secrets.length === 0) return;
  const value = secrets.map((entry) => ({ value: entry.value }));
  draft.set('auth.secrets', value, 'static-auth-secret; {value-file: …} keeps it out of this file.', secrets);
}

function setUsers(draft: Draft, entries: readonly Entry[]): void {
  const users = entries.flatMap((source) => {
    const colon = source.value.indexOf(':');
    if (colon > 0) return [{ name: source.value.slice(0, colon), rest: source.value.slice(colon + 1), source }];
    draft.fault(source, 'must have the form NAME:PASSWORD or NAME:0xKEY');
    return [];
  });
  const counting = users.filter(({ name, source }, index) => {
    const isReplaced = users.some((other, at) => at > index && other.name === name);
    if (isReplaced) draft.warn(source, 'the same user follows with other credentials, which count');
    return !isReplaced;
  });
  if (counting.length === 0) return;
  const value = counting.map(({ name, rest }) => ({ name, ...credentialOf(rest) }));
  draft.set(
    'auth.users',
    value,
    'user; {password-file: …} keeps a password out of this file.',
    counting.map(({ source }) => source),
  );
  const rest = draft.lastOf(['use-auth-secret', 'static-auth-secret']);
  if (rest !== null)
    draft.warn(rest, 'coturn ignores the users beside it, turnd accepts both: remove users that should not count');
}

/** coturn skips blanks before a password, and takes the first 32 digits of a key. */
function credentialOf(text: string): { readonly key: string } | { readonly password: string } {
  const credential = text.replace(/^[ \t]+/, '');
  return credential.startsWith('0x') ? { key: credential.slice(2, 34) } : { password: credential };
}

function resolveDetails(draft: Draft): void {
  const separator = draft.text('rest-api-separator');
  if (separator !== null) {
    const [first = ''] = separator.value;
    if (separator.value !== first) draft.warn(separator, 'only its first character counts, as in coturn');
    draft.set('auth.rest-separator', first, 'rest-api-separator', [separator]);
  }
  const secure = draft.switch('secure-stun');
  if (secure !== null) draft.set('auth.require-for-binding', secure, 'secure-stun', [draft.last('secure-stun')]);
  resolveNonce(draft);
}

function resolveNonce(draft: Draft): void {
  const entry = draft.last('stale-nonce');
  if (entry === null) return;
  const seconds = entry.value === '' ? 600 : draft.number('stale-nonce', SECONDS);
  if (seconds === null) return;
  const taken = seconds === 0 ? MAX_NONCE_SECONDS : Math.min(seconds, MAX_NONCE_SECONDS);
  if (taken !== seconds)
    draft.warn(entry, `a nonce lasts at most ${MAX_NONCE_SECONDS} s (RFC 8656 §5): so long it is taken`);
  draft.set('auth.nonce-lifetime', taken, 'stale-nonce', [entry]);
}
