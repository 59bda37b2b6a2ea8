// Stateless nonces: a MAC over a time slot and the client's transport address (RFC 8489 §9.2.4, §14.10). Issuing one
// keeps nothing; checking one needs only the key. Wall-clock time, so that nonces survive a restart and are shared by
// workers and nodes.
//
// nonce = "obMatJos2" features(4 base64) slot(1) mac(10)
//
// 24 characters in all: with a realm of 9 characters a 401 then is 72 bytes, so that the server amplifies no more
// than 3.6 times. Slot and MAC are written in Z85, whose characters are all qdtext.

import { timingSafeEqual } from 'node:crypto';
import { hmac } from '../stun/hmac.ts';
import { NONCE_COOKIE_LENGTH, nonceCookie } from '../stun/nonce-cookie.ts';
import type { TransportWords } from '../stun/transport-address.ts';
import { writeWord } from '../stun/words.ts';

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
const RADIX = Z85.length;
const Z85_BYTES = Buffer.from(Z85, 'latin1');

// A lifetime is cut into this many slots: an old nonce is refused at most 1/40 of the lifetime late. One character
// tells 85 slots apart, which leaves room for a clock that runs ahead elsewhere.
const SLOTS_PER_LIFETIME = 40;

const MAC_LENGTH = 10;
const NONCE_LENGTH = NONCE_COOKIE_LENGTH + 1 + MAC_LENGTH;

// What the MAC covers: cookie, slot(6 bytes), family(1), address(16), port(2), zero(2).
const INPUT_LENGTH = NONCE_COOKIE_LENGTH + 27;

/** Issues and checks the nonces of one realm. */
export class NonceIssuer {
  readonly #key: Buffer;
  readonly #slotMs: number;
  // Scratch that every nonce is made in: three of four requests need one, and making buffers took half of the time.
  readonly #input = Buffer.alloc(INPUT_LENGTH);
  readonly #nonce = Buffer.alloc(NONCE_LENGTH);
  readonly #given = Buffer.alloc(NONCE_LENGTH);

  /**
   * @param key 32 secret bytes
   * @param lifetime seconds that a nonce is accepted
   * @param features security feature bits to announce
   */
  constructor(key: Buffer, lifetime: number, features: number) {
    this.#key = key;
    this.#slotMs = (lifetime * 1000) / SLOTS_PER_LIFETIME;
    const cookie = nonceCookie(features);
    this.#input.write(cookie, 'latin1');
    this.#nonce.write(cookie, 'latin1');
  }

  /** The nonce for a client at this moment; never the same for two clients (RFC 8489 §9.2.4). */
  issue(client: TransportWords, wallTime: number): string {
    this.#make(client, this.#slotAt(wallTime));
    return this.#nonce.toString('latin1');
  }

  /** Whether this server issued `nonce` to this client within the lifetime. Takes the same time for every wrong one. */
  check(nonce: string, client: TransportWords, wallTime: number): boolean {
    const current = this.#slotAt(wallTime);
    const digit = nonce.length === NONCE_LENGTH ? Z85.indexOf(nonce.charAt(NONCE_COOKIE_LENGTH)) : -1;
    const age = (((current - Math.max(digit, 0)) % RADIX) + RADIX) % RADIX;
    // One slot ahead is another node's clock, not a forgery.
    const slot = age === RADIX - 1 ? current + 1 : current - age;
    this.#make(client, slot);
    const [expected, given] = [this.#nonce, this.#given];
    // As many characters as the nonce has, and none that is not ASCII, or else the bytes differ.
    given.fill(0);
    given.write(nonce, 'utf8');
    const equal = timingSafeEqual(expected, given);
    return equal && digit >= 0 && current - slot <= SLOTS_PER_LIFETIME;
  }

  #slotAt(wallTime: number): number {
    return Math.floor(wallTime / this.#slotMs);
  }

  /** Makes the nonce of a slot in its scratch. */
  #make(client: TransportWords, slot: number): void {
    const input = this.#input;
    const at = NONCE_COOKIE_LENGTH;
    const number = Math.max(slot, 0);
    input[at] = number / 2 ** 40;
    input[at + 1] = number / 2 ** 32;
    writeWord(input, at + 2, number);
    input[at + 6] = client.family;
    writeWord(input, at + 7, client.w0);
    writeWord(input, at + 11, client.w1);
    writeWord(input, at + 15, client.w2);
    writeWord(input, at + 19, client.w3);
    input[at + 23] = client.port >>> 8;
    input[at + 24] = client.port;
    const mac = hmac('sha256', this.#key, input, input, 0, 0);
    this.#nonce[at] = Z85_BYTES[((slot % RADIX) + RADIX) % RADIX] as number;
    writeZ85(this.#nonce, at + 1, mac.readUInt32BE(0));
    writeZ85(this.#nonce, at + 6, mac.readUInt32BE(4));
  }
}

// 32 bits as five base-85 digits, the most significant first.
function writeZ85(buffer: Buffer, at: number, word: number): void {
  let rest = word;
  for (let digit = 4; digit >= 0; digit--) {
    buffer[at + digit] = Z85_BYTES[rest % RADIX] as number;
    rest = Math.floor(rest / RADIX);
  }
}
