// Which usernames can belong to anyone. Owns the bounds that every credential source applies before it compares.

/** Longest USERNAME in bytes that can match: RFC 8489 §14.3 asks for fewer than 509, other texts may have 763. */
export const MAX_USERNAME_BYTES = 763;

// U+FFFD is what undecodable bytes turn into: two different byte strings would look alike. A lone surrogate encodes to
// the same three bytes again.
const AMBIGUOUS = /[\ufffd\p{Cs}]/u;

/** Whether a username is unambiguous and not too long. Any other never matches: names are compared exactly. */
export function isUsableUsername(username: string): boolean {
  if (username === '' || username.length > MAX_USERNAME_BYTES) return false;
  return Buffer.byteLength(username, 'utf8') <= MAX_USERNAME_BYTES && !AMBIGUOUS.test(username);
}
