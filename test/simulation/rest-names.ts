// Time-limited usernames and the keys that belong to them, made from the draft's words alone (draft-uberti-behave-turn-rest).

import { createHmac } from 'node:crypto';
import { REALM } from '../support/lab.ts';
import { longTermKey } from '../support/wire-attributes.ts';

/** A name of rita's that ends at so many Unix milliseconds. */
export function restName(expiresAt: number): string {
  return `${Math.floor(expiresAt / 1000)}:rita`;
}

export function isRestName(user: string): boolean {
  return user.endsWith(':rita');
}

/** Whether the name is good at a wall-clock time. */
export function isValidAt(user: string, wall: number): boolean {
  return wall < Number(user.slice(0, user.indexOf(':'))) * 1000;
}

/** The key of a name under a secret. */
export function restKey(user: string, secret: string): Buffer {
  return longTermKey(user, REALM, createHmac('sha1', secret).update(user).digest('base64'));
}
