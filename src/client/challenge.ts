// What a client makes of a 401 or 438: the authentication of its next request, or the reason to stop
// (RFC 8489 §9.2.5). Knows no transport and no time.

import { Attribute } from '../stun/attributes.ts';
import type { IntegrityAttribute } from '../stun/integrity.ts';
import { longTermKeyMd5, longTermKeySha256, PasswordAlgorithm, userhash } from '../stun/keys.ts';
import type { MessageView } from '../stun/message-view.ts';
import { NONCE_COOKIE, NONCE_COOKIE_LENGTH } from '../stun/nonce-cookie.ts';
import { opaqueString } from '../stun/opaque-string.ts';
import { copyBytes } from '../stun/readers.ts';
import { ClientError } from './client-error.ts';

/** A long-term credential. */
export interface LongTermCredential {
  readonly username: string;
  readonly password: string;
}

/** What makes a request authentic. REALM and NONCE are echoed byte for byte. */
export interface Authentication {
  readonly username: string;
  /** Sent in place of the name when the server asks for it. */
  readonly userhash: Buffer | null;
  readonly realm: Buffer;
  readonly nonce: Buffer;
  readonly key: Buffer;
  /** Null unless the server offered a list. */
  readonly algorithm: PasswordAlgorithm | null;
  /** The value of PASSWORD-ALGORITHMS as it came. */
  readonly offeredAlgorithms: Buffer | null;
  readonly integrity: IntegrityAttribute;
}

// RFC 8489 §18.1 as printed numbers the bits from the most significant one, erratum 6290 from the least: a server of
// either reading is understood, and no bit of one reading has a meaning in the other.
const PASSWORD_ALGORITHMS = 0x800001;
const USERNAME_ANONYMITY = 0x400002;

// RFC 8489 §14.9, §14.10: 128 characters of UTF-8. More is an attack on whoever echoes it.
const MAX_TEXT_BYTES = 763;
const MAX_ALGORITHMS_BYTES = 256;

/** The feature bits of a nonce; 0 for one without the cookie. */
export function nonceFeatures(nonce: string): number {
  if (!nonce.startsWith(NONCE_COOKIE) || nonce.length < NONCE_COOKIE_LENGTH) return 0;
  const bits = Buffer.from(nonce.slice(NONCE_COOKIE.length, NONCE_COOKIE_LENGTH), 'base64');
  return bits.length === 3 ? bits.readUIntBE(0, 3) : 0;
}

/**
 * The authentication that answers a challenge. Throws a {@link ClientError}: `protocol` when the challenge lacks what
 * it must have, `bid-down` when somebody took the algorithms out or none of them is known.
 */
export function answerChallenge(view: MessageView, credential: LongTermCredential): Authentication {
  const realm = copyBytes(view, Attribute.REALM);
  const nonce = copyBytes(view, Attribute.NONCE);
  if (realm === null || nonce === null) {
    throw new ClientError('protocol', `the challenge has no ${realm === null ? 'REALM' : 'NONCE'}`);
  }
  const features = nonceFeatures(nonce.toString('latin1'));
  const offered = copyBytes(view, Attribute.PASSWORD_ALGORITHMS);
  const isLong = realm.length > MAX_TEXT_BYTES || nonce.length > MAX_TEXT_BYTES;
  if (isLong || (offered !== null && offered.length > MAX_ALGORITHMS_BYTES))
    throw new ClientError('protocol', 'the challenge holds more than it may');
  if (offered === null && (features & PASSWORD_ALGORITHMS) !== 0) {
    throw new ClientError('bid-down', 'the nonce announces PASSWORD-ALGORITHMS, and the challenge has none');
  }
  const algorithm = offered === null ? null : chooseAlgorithm(offered);
  const realmText = prepared(realm.toString('utf8').replace(/\0+$/, ''));
  const isAnonymous = (features & USERNAME_ANONYMITY) !== 0;
  return {
    username: credential.username,
    userhash: isAnonymous ? userhash(credential.username, realmText) : null,
    realm,
    nonce,
    key: keyOf(credential, realmText, algorithm ?? PasswordAlgorithm.MD5),
    algorithm,
    offeredAlgorithms: offered,
    integrity: offered === null ? Attribute.MESSAGE_INTEGRITY : Attribute.MESSAGE_INTEGRITY_SHA256,
  };
}

function keyOf({ username, password }: LongTermCredential, realm: string, algorithm: PasswordAlgorithm): Buffer {
  const derive = algorithm === PasswordAlgorithm.SHA_256 ? longTermKeySha256 : longTermKeyMd5;
  return derive(username, realm, prepared(password));
}

// What the profile refuses may still be what the other side has stored.
function prepared(text: string): string {
  return opaqueString(text) ?? text;
}

// SHA-256 wherever it is offered. algorithm = number(16) length(16) parameters(length) padding
function chooseAlgorithm(offered: Buffer): PasswordAlgorithm {
  const numbers: number[] = [];
  for (let at = 0; at + 4 <= offered.length; at += 4 + ((offered.readUInt16BE(at + 2) + 3) & ~3))
    numbers.push(offered.readUInt16BE(at));
  if (numbers.includes(PasswordAlgorithm.SHA_256)) return PasswordAlgorithm.SHA_256;
  if (numbers.includes(PasswordAlgorithm.MD5)) return PasswordAlgorithm.MD5;
  throw new ClientError('bid-down', 'the server offers no password algorithm that this client knows');
}
