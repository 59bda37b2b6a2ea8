// The secrets that turnd makes by itself and keeps across restarts. Knows their form and length, not their use.

import type { Random } from '../turn/env.ts';
import { damagedFile, type StateDirectory } from './state-directory.ts';

/** The user of a server that was configured without credentials: a lab's. */
export interface LabUser {
  readonly name: string;
  /** 32 characters of base64url: 192 random bits. */
  readonly password: string;
}

/** The names of the files whose content lets somebody in. */
export const SECRET_FILES: readonly string[] = Object.freeze(['nonce-key', 'lab-user', 'tokens.json']);

const NONCE_KEY_FILE = 'nonce-key';
const NONCE_KEY_LENGTH = 32;
const SERVER_NUMBER_FILE = 'server-number';
const SMALLEST_NUMBER = 100_000_000;
const LAB_USER_FILE = 'lab-user';
const LAB_USER_NAME = 'lab';
const LAB_PASSWORD_BYTES = 24;

/** The 32 bytes that sign nonces. Kept, so that a restart causes no wave of 438. */
export function keepNonceKey(state: StateDirectory, random: Random): Buffer {
  const key = state.readOrCreate(NONCE_KEY_FILE, () => randomBuffer(random, NONCE_KEY_LENGTH));
  if (key.length !== NONCE_KEY_LENGTH) throw damagedFile(state, NONCE_KEY_FILE);
  return key;
}

/**
 * Nine digits, the first of them not zero, that tell this server from others on one Redis. Kept, so that what a run that
 * was killed has left there can be told from the others'. No secret.
 */
export function keepServerNumber(state: StateDirectory, random: Random): string {
  const content = state.readOrCreate(SERVER_NUMBER_FILE, () => {
    const number = SMALLEST_NUMBER + (randomBuffer(random, 6).readUIntBE(0, 6) % (9 * SMALLEST_NUMBER));
    return Buffer.from(`${number}\n`);
  });
  const digits = /^([1-9]\d{8})\n$/.exec(content.toString('latin1'))?.[1];
  if (digits === undefined) throw damagedFile(state, SERVER_NUMBER_FILE);
  return digits;
}

/** The lab user. Kept, so that what was pasted into an application works after a restart. */
export function keepLabUser(state: StateDirectory, random: Random): LabUser {
  const content = state.readOrCreate(LAB_USER_FILE, () => {
    const password = randomBuffer(random, LAB_PASSWORD_BYTES).toString('base64url');
    return Buffer.from(`${JSON.stringify({ name: LAB_USER_NAME, password })}\n`);
  });
  const user = readLabUser(content);
  if (user === null) throw damagedFile(state, LAB_USER_FILE);
  return user;
}

function readLabUser(content: Buffer): LabUser | null {
  const parsed = parseJson(content.toString('utf8'));
  if (typeof parsed !== 'object' || parsed === null) return null;
  if (!('name' in parsed && 'password' in parsed)) return null;
  const { name, password } = parsed;
  if (typeof name !== 'string' || typeof password !== 'string' || name === '' || password === '') return null;
  return { name, password };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function randomBuffer(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  random.fill(bytes);
  return bytes;
}
