// Stateless nonces: a MAC over a time slot and the client's transport address (RFC 8489 §9.2.4, §14.10). Issuing one
// keeps nothing; checking one needs only the key. Wall-clock time, so that nonces survive a restart and are shared by
// workers and nodes.
//
// nonce = "obMatJos2" features(4 base64) slot(1) mac(10)
//
// 24 characters in all: with a realm of 9 characters a 401 then is 72 bytes, so that the server amplifies no more
// than 3.6 times. Slot and MAC are written in Z85, whose characters are all qdtext.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { NONCE_COOKIE_LENGTH, nonceCookie } from '../stun/nonce-cookie.ts';
import type { TransportWords } from '../stun/transport-address.ts';

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
const RADIX = Z85.length;

// A lifetime is cut into this many slots: an old nonce is refused at most 1/40 of the lifetime late. One character
// tells 85 slots apart, which leaves room for a clock that runs ahead elsewhere.
const SLOTS_PER_LIFETIME = 40;

const MAC_LENGTH = 10;
const NONCE_LENGTH = NONCE_COOKIE_LENGTH + 1 + MAC_LENGTH;

/** Issues and checks the nonces of one realm. */
export class NonceIssuer {
  readonly #key: Buffer;
  readonly #cookie: string;
  readonly #slotMs: number;

  /**
   * @param key 32 secret bytes
   * @param lifetime seconds that a nonce is accepted
   * @param features security feature bits to announce
   */
  constructor(key: Buffer, lifetime: number, features: number) {
    this.#key = key;
    this.#cookie = nonceCookie(features);
    this.#slotMs = (lifetime * 1000) / SLOTS_PER_LIFETIME;
  }

  /** The nonce for a client at this moment; never the same for two clients (RFC 8489 §9.2.4). */
  issue(client: TransportWords, wallTime: number): string {
    return this.#nonce(client, this.#slotAt(wallTime));
  }

  /** Whether this server issued `nonce` to this client within the lifetime. Takes the same time for every wrong one. */
  check(nonce: string, client: TransportWords, wallTime: number): boolean {
    const current = this.#slotAt(wallTime);
    const digit = nonce.length === NONCE_LENGTH ? Z85.indexOf(nonce.charAt(NONCE_COOKIE_LENGTH)) : -1;
    const age = (((current - Math.max(digit, 0)) % RADIX) + RADIX) % RADIX;
    // One slot ahead is another node's clock, not a forgery.
    const slot = age === RADIX - 1 ? current + 1 : current - age;
    const expected = Buffer.from(this.#nonce(client, slot), 'utf8');
    // As many characters as the nonce has, and none that is not ASCII, or else the bytes differ.
    const given = Buffer.alloc(expected.length);
    given.write(nonce, 'utf8');
    const equal = timingSafeEqual(expected, given);
    return equal && digit >= 0 && current - slot <= SLOTS_PER_LIFETIME;
  }

  #slotAt(wallTime: number): number {
    return Math.floor(wallTime / this.#slotMs);
  }

  #nonce(client: TransportWords, slot: number): string {
    const input = Buffer.alloc(27);
    input.writeUIntBE(Math.max(slot, 0), 0, 6);
    input[6] = client.family;
    input.writeInt32BE(client.w0, 7);
    input.writeInt32BE(client.w1, 11);
    input.writeInt32BE(client.w2, 15);
    input.writeInt32BE(client.w3, 19);
    input.writeUInt16BE(client.port, 23);
    const mac = createHmac('sha256', this.#key).update(this.#cookie).update(input).digest();
    const digit = Z85.charAt(((slot % RADIX) + RADIX) % RADIX);
    return this.#cookie + digit + z85(mac.readUInt32BE(0)) + z85(mac.readUInt32BE(4));
  }
}

// 32 bits as five base-85 digits, the most significant first.
function z85(word: number): string {
  let text = '';
  let rest = word;
  for (let i = 0; i < 5; i++) {
    text = Z85.charAt(rest % RADIX) + text;
    rest = Math.floor(rest / RADIX);
  }
  return text;
}
