// Lists keys without stopping the server (SCAN, never KEYS), and asks for many of them at once. Knows no key's meaning.

import type { ChainableCommander, Redis } from 'ioredis';
import type { CallProgress } from './redis-link.ts';

/** How many keys the server looks at per step: about a millisecond of its time. */
const KEYS_PER_STEP = 5000;
/** How many commands leave in one write. */
const COMMANDS_PER_WRITE = 1000;

/** Shows all keys that match, step by step; some perhaps twice. Those that come or go meanwhile may be among them. */
export async function scanKeys(
  client: Redis,
  pattern: string,
  progress: CallProgress,
  show: (keys: readonly string[]) => void,
): Promise<void> {
  const step = (cursor: string) => client.scan(cursor, 'MATCH', pattern, 'COUNT', KEYS_PER_STEP);
  let current = step('0');
  for (;;) {
    const [cursor, found] = stepOf(await current);
    const isLast = cursor === '0' || progress.over;
    // The server looks for the next while these are looked at here.
    if (!isLast) current = step(cursor);
    show(found);
    if (isLast) return;
  }
}

// What is at the other end may be no Redis, or have lost its step: then this is the answer to another question.
function stepOf(answer: unknown): readonly [cursor: string, keys: readonly string[]] {
  const [cursor, keys]: readonly unknown[] = Array.isArray(answer) ? answer : [];
  if (typeof cursor !== 'string' || !Array.isArray(keys))
    throw new Error('it answered something else than it was asked');
  return [cursor, keys.map(String)];
}

/** All keys that match, each once, sorted. */
export async function listKeys(client: Redis, pattern: string, progress: CallProgress): Promise<string[]> {
  const keys = new Set<string>();
  await scanKeys(client, pattern, progress, (found) => {
    for (const key of found) keys.add(key);
  });
  return [...keys].sort();
}

/** Asks one question about each thing, in few writes. Rejects when the answer to any is an error. */
export async function askEach<T>(
  client: Redis,
  things: readonly T[],
  ask: (commands: ChainableCommander, thing: T) => unknown,
): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (let start = 0; start < things.length; start += COMMANDS_PER_WRITE) {
    const commands = client.pipeline();
    for (const thing of things.slice(start, start + COMMANDS_PER_WRITE)) ask(commands, thing);
    for (const answer of await answersOf(commands)) answers.push(answer);
  }
  return answers;
}

/** What the commands answered. Rejects when any of them failed. */
export async function answersOf(commands: ChainableCommander): Promise<unknown[]> {
  const results = (await commands.exec()) ?? [];
  return results.map(([error, answer]) => {
    if (error !== null) throw error;
    return answer;
  });
}

/** The texts of an answer that is a list of them. */
export function textsOf(answer: unknown): string[] {
  return Array.isArray(answer) ? answer.map(String) : [];
}

/** The fields of a hash, whatever their names. */
export function fieldsOf(answer: unknown): ReadonlyMap<string, string> {
  if (typeof answer !== 'object' || answer === null) return new Map();
  return new Map(Object.entries(answer).map(([field, value]) => [field, String(value)]));
}
