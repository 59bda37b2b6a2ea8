// Addresses of tunnels that a TURN server must not accept (RFC 8656 §21.4).

import type { AddressWords } from '../stun/ip-address.ts';

const TEREDO = 0x20010000;
const SIX_TO_FOUR = 0x2002;

/** Whether the address is Teredo (2001::/32) or 6to4 (2002::/16). */
export function isTunnelled(ip: AddressWords): boolean {
  return ip.family === 6 && (ip.w0 === TEREDO || ip.w0 >>> 16 === SIX_TO_FOUR);
}
