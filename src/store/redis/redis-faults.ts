// Says what an error of Redis, of its connection or of its client means, in words for an operator. Owns no state. The
// client's errors carry the arguments of the command, keys and passwords among them: they are never passed on.

import { StoreError, type StoreFault } from '../../errors.ts';
import { describeConnectionFault, messageOf } from '../connection-faults.ts';

interface Meaning {
  readonly fault: StoreFault;
  readonly words: string;
}

type Rule = readonly [RegExp, StoreFault, string];

/** By the first words of what Redis answers. */
const ANSWERS: readonly Rule[] = [
  [/^NOAUTH/, 'denied', 'it asks for a password: put it into the URL'],
  [/^WRONGPASS|^ERR invalid password/, 'denied', 'it refuses the user or the password: check both in the URL'],
  [/^ERR wrong number of arguments for 'auth'/, 'denied', 'it knows no users (Redis before 6): leave the user out'],
  [/^NOPERM/, 'denied', 'its ACL forbids this user the command or the key: allow it, on the keys and channels turn/*'],
  [/^DENIED/, 'denied', 'it is in protected mode: set a password there, and put it into the URL'],
  [/^READONLY/, 'denied', 'it is a read-only replica: name its primary in the URL'],
  [/^ERR (DB index|invalid DB|SELECT is not)/, 'denied', 'it has no database of that number: check the end of the URL'],
  [/^LOADING/, 'unreachable', 'it is still loading its data: try again later'],
  [/^(MASTERDOWN|BUSY|TRYAGAIN)\b/, 'unreachable', 'it is busy or waits for its primary: try again later'],
  [/^ERR max number of clients/, 'unreachable', 'it has too many clients: raise its maxclients'],
  [
    /^(MOVED|ASK|CLUSTERDOWN|CROSSSLOT)\b/,
    'failed',
    'it is part of a Redis Cluster: name a Redis that is not clustered',
  ],
  [/^WRONGTYPE/, 'schema', "a key is of another type than coturn's: look at its keys turn/* with TYPE"],
  [/^OOM/, 'failed', 'it has no memory left: raise its maxmemory'],
  [/^MISCONF/, 'failed', 'it cannot save to its disk and refuses changes: mend its disk'],
  [/^NOREPLICAS/, 'failed', 'it has too few replicas and refuses changes: mend its replication'],
];

/** What the client says of a connection that ended. */
const ENDED = /Connection is closed|isn't writeable|aborted due to connection close/;

/** The store's error for whatever was thrown. `name` is that of the store, without its password. */
export function toStoreError(name: string, error: unknown): StoreError {
  if (error instanceof StoreError) return nameStore(name, error);
  const { fault, words } = meaningOf(error);
  return new StoreError(fault, `store ${name}: ${words}`);
}

/** What refuses a key or a file knows no store. */
function nameStore(name: string, error: StoreError): StoreError {
  if (error.message.startsWith(`store ${name}: `)) return error;
  return new StoreError(error.fault, `store ${name}: ${error.message}`);
}

/** The store's error for an answer that did not come. `hint` names another cause. */
export function timeoutError(name: string, milliseconds: number, hint = ''): StoreError {
  return new StoreError(
    'timeout',
    `store ${name}: no answer within ${milliseconds} ms: look whether Redis hangs or is too slow${hint}`,
  );
}

function meaningOf(error: unknown): Meaning {
  const told = firstCause(error);
  const answer = ANSWERS.find(([pattern]) => pattern.test(told.message));
  if (answer !== undefined) return { fault: answer[1], words: `${answer[2]} (${told.message.split(' ')[0]})` };
  const lost = describeConnectionFault(told);
  if (lost !== null) return { fault: lost.fault, words: [lost.plain, lost.advice].filter(Boolean).join(': ') };
  if (ENDED.test(told.message)) {
    return {
      fault: 'unreachable',
      words: 'it closed the connection: look whether it is up, and whether it wants TLS (rediss://)',
    };
  }
  return { fault: 'failed', words: `it failed: ${withoutArguments(messageOf(told))}` };
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
