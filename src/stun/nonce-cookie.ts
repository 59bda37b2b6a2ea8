// The nonce cookie of RFC 8489 §9.2: how a NONCE tells the server's security features.

/** What every NONCE of an RFC 8489 server starts with. */
export const NONCE_COOKIE = 'obMatJos2';

/** Characters of the cookie and of the feature bits behind it. */
export const NONCE_COOKIE_LENGTH: number = NONCE_COOKIE.length + 4;

/** Security feature bits; bit 0 is the *least* significant one (RFC 8489 §18.1 with erratum 6290). */
export const SecurityFeature = {
  PASSWORD_ALGORITHMS: 0x1,
  USERNAME_ANONYMITY: 0x2,
} as const;

/** The 13 characters that stand before the rest of the nonce: the cookie and 24 feature bits in base64. */
export function nonceCookie(features: number): string {
  const bits = Buffer.alloc(3);
  bits.writeUIntBE(features, 0, 3);
  return NONCE_COOKIE + bits.toString('base64');
}
