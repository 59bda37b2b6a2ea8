// The form of a time-limited username (draft-uberti-behave-turn-rest-00 §2.2). Knows no secrets and no clock.

/** A time-limited username, taken apart. */
export interface RestUsername {
  /** Unix seconds at which it expires. */
  readonly expiry: number;
  /** The user id part; empty when there is none. */
  readonly userId: string;
}

// Enough until the year 33658, far below 2^53, and it refuses milliseconds given by mistake.
const MAX_TIMESTAMP_DIGITS = 12;

/**
 * Reads `expiry`, `expiry:userid` or `userid:expiry`; null when the name is none of these. Where both ends are
 * timestamps the first is the expiry, so an application that uses the last form must not let users choose ids that are
 * numbers of up to 12 digits.
 * @param separator what stands in place of the colon; not empty, without digits
 */
export function readRestUsername(username: string, separator: string): RestUsername | null {
  const first = username.indexOf(separator);
  if (first < 0) return named(readTimestamp(username), '');
  const leading = readTimestamp(username.slice(0, first));
  if (leading >= 0) return named(leading, username.slice(first + separator.length));
  const last = username.lastIndexOf(separator);
  return named(readTimestamp(username.slice(last + separator.length)), username.slice(0, last));
}

function named(expiry: number, userId: string): RestUsername | null {
  return expiry < 0 ? null : { expiry, userId };
}

/** The value of 1 to 12 decimal digits with nothing around them, or -1. */
function readTimestamp(text: string): number {
  if (text.length === 0 || text.length > MAX_TIMESTAMP_DIGITS) return -1;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
