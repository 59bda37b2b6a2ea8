// Says what an error of Redis, of its connection or of its client means, in words for an operator. Owns no state. The
// client's errors carry the arguments of the command, keys and passwords among them: they are never passed on.

import { StoreError, type StoreFault } from '../../errors.ts';

interface Meaning {
  readonly fault: StoreFault;
  readonly words: string;
}

type Rule = readonly [RegExp, StoreFault, string];

/** By the first words of what Redis answers. */
const ANSWERS: readonly Rule[] = [
  [/^NOAUTH/, 'denied', 'asks for a password: put it into the URL'],
  [/^WRONGPASS|^ERR invalid password/, 'denied', 'refuses the user or the password: check both in the URL'],
  [/^ERR wrong number of arguments for 'auth'/, 'denied', 'knows no users (Redis before 6): leave the user out'],
  [/^NOPERM/, 'denied', 'forbids this user that command or key: allow it in its ACL, on the keys and channels turn/*'],
  [/^DENIED/, 'denied', 'is in protected mode: set a password there, and put it into the URL'],
  [/^READONLY/, 'denied', 'is a read-only replica: name its primary in the URL'],
  [/^ERR (DB index|invalid DB|SELECT is not)/, 'denied', 'has no database of that number: check the end of the URL'],
  [/^LOADING/, 'unreachable', 'is still loading its data: try again later'],
  [/^(MASTERDOWN|BUSY|TRYAGAIN)\b/, 'unreachable', 'is busy or waits for its primary: try again later'],
  [/^ERR max number of clients/, 'unreachable', 'has too many clients: raise its maxclients'],
  [/^(MOVED|ASK|CLUSTERDOWN|CROSSSLOT)\b/, 'failed', 'is part of a Redis Cluster: name a Redis that is not clustered'],
  [/^WRONGTYPE/, 'schema', 'holds a key of another type than coturn’s: look at its keys turn/* with TYPE'],
  [/^OOM/, 'failed', 'has no memory left: raise its maxmemory'],
  [/^MISCONF/, 'failed', 'cannot save to its disk and refuses changes: mend its disk'],
  [/^NOREPLICAS/, 'failed', 'has too few replicas and refuses changes: mend its replication'],
];

/** By the code of a system's or a TLS error. */
const CODES: readonly Rule[] = [
  [/^ECONNREFUSED$|^ENOENT$/, 'unreachable', 'refuses connections: is Redis running there?'],
  [/^ENOTFOUND$|^EAI_/, 'unreachable', 'has a host name that does not resolve: check the URL'],
  [/^EHOSTUNREACH$|^ENETUNREACH$|^ENETDOWN$|^EADDRNOTAVAIL$/, 'unreachable', 'cannot be reached: check the network'],
  [/^ETIMEDOUT$/, 'timeout', 'does not answer: check the network and the server'],
  [
    /^ECONNRESET$|^EPIPE$/,
    'unreachable',
    'closed the connection: is Redis running there, and with TLS as the URL says?',
  ],
  [/ALERT/, 'denied', 'ends the TLS handshake: it may want a client certificate, or another one'],
  [
    /^CERT_|_CERT|^UNABLE_TO_|ALTNAME/,
    'denied',
    'shows a certificate that is not trusted: check the CA and server name',
  ],
  [/^EPROTO$|^ERR_SSL|^ERR_TLS|^ERR_OSSL/, 'denied', 'does not agree on TLS: redis:// is plain, rediss:// is TLS'],
];

/** What the client says of a connection that ended. */
const ENDED = /Connection is closed|isn't writeable|aborted due to connection close/;

/** The store's error for whatever was thrown. `name` is that of the store, without its password. */
export function toStoreError(name: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const { fault, words } = meaningOf(error);
  return new StoreError(fault, `the store ${name} ${words}`);
}

/** The store's error for an answer that did not come. */
export function timeoutError(name: string, milliseconds: number): StoreError {
  return new StoreError(
    'timeout',
    `the store ${name} did not answer within ${milliseconds} ms: is it hung or too slow?`,
  );
}

function meaningOf(error: unknown): Meaning {
  const told = firstCause(error);
  const code = 'code' in told ? String(told.code) : '';
  const rule = findRule(ANSWERS, told.message) ?? findRule(CODES, code);
  if (rule !== null) return { fault: rule[1], words: `${rule[2]} (${code || told.message.split(' ')[0]})` };
  if (ENDED.test(told.message)) {
    return { fault: 'unreachable', words: 'closed the connection: is it up, and does it want TLS (rediss://)?' };
  }
  return { fault: 'failed', words: `failed: ${withoutArguments(told.message)}` };
}

function findRule(rules: readonly Rule[], text: string): Rule | null {
  return rules.find(([pattern]) => pattern.test(text)) ?? null;
}

/** A transaction fails because of a command in it, and that one says why. */
function firstCause(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('an unknown error');
  const previous: unknown = 'previousErrors' in error ? error.previousErrors : undefined;
  return Array.isArray(previous) && previous[0] instanceof Error ? previous[0] : error;
}

/** `unknown command 'SET', with args beginning with: …` would tell keys. */
function withoutArguments(message: string): string {
  return message.replace(/,? with args .*/s, '').slice(0, 200);
}
