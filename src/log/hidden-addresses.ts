// Owns how IP addresses of clients and peers stand in the log: as they are, or as names that tell two apart and nothing
// else (S65).

import { createHmac } from 'node:crypto';

/** Turns an IP address into what the log shows of it. */
export type ShowAddress = (ip: string) => string;

const PURPOSE = 'turnd log addresses';
const SHOWN_DIGITS = 12;

/** Shows addresses as they are. */
export function showAddress(ip: string): string {
  return ip;
}

/**
 * Shows `ip-` and 12 hexadecimal digits of a MAC: the same for the same address as long as the key is kept, and of no use
 * to whoever does not have the key, though all of IPv4 is soon tried out.
 * @param key secret bytes that may serve other purposes as well
 */
export function hideAddresses(key: Buffer): ShowAddress {
  const own = createHmac('sha256', key).update(PURPOSE).digest();
  return (ip) => `ip-${createHmac('sha256', own).update(ip).digest('hex').slice(0, SHOWN_DIGITS)}`;
}
