// The one place that knows which IPv6 addresses stand for an IPv4 address: mapped, translated and tunnelled forms.
// Knows no policy: it only says which IPv4 hosts a packet to an address may end at.

import { IpAddress } from '../../stun/ip-address.ts';

const NONE: readonly IpAddress[] = Object.freeze([]);

/**
 * Every IPv4 address that an address embeds; empty for IPv4 and for an ordinary IPv6 address, which allocates
 * nothing. A form with two addresses inside (Teredo), or one that two forms fit, gives all of them: a reader that
 * picks one lets a peer choose the other.
 */
export function embeddedIpv4(ip: IpAddress): readonly IpAddress[] {
  if (ip.family === 4) return NONE;
  const found = prefixEmbedded(ip);
  if (!isIsatap(ip.w2)) return found;
  return [...found, ipv4(ip.w3)];
}

function prefixEmbedded(ip: IpAddress): readonly IpAddress[] {
  const { w0, w1, w2, w3 } = ip;
  if (w0 === 0 && w1 === 0) return isLastWordForm(w2) ? [ipv4(w3)] : NONE;
  if (w0 === 0x0064ff9b) return nat64(ip);
  // Teredo (RFC 4380 §4): the server, and the client with its bits inverted.
  if (w0 === 0x20010000) return [ipv4(w1), ipv4(~w3)];
  // 6to4 (RFC 3056 §2): the 32 bits behind 2002.
  if (w0 >>> 16 === 0x2002) return [ipv4((w0 << 16) | (w1 >>> 16))];
  return NONE;
}

/** IPv4-compatible ::/96, IPv4-mapped ::ffff:0:0/96 (RFC 4291 §2.5.5) and IPv4-translated ::ffff:0:0:0/96 (RFC 2765 §2.1). */
function isLastWordForm(w2: number): boolean {
  return w2 === 0 || w2 === 0xffff || w2 === ~0xffff;
}

/** ISATAP (RFC 5214 §6.1): interface identifier ::0:5efe:a.b.c.d, or ::200:5efe:a.b.c.d with the universal bit. */
function isIsatap(w2: number): boolean {
  return w2 === 0x00005efe || w2 === 0x02005efe;
}

/** 64:ff9b::/96 (RFC 6052 §2.1) and 64:ff9b:1::/48 (RFC 8215), the latter under any prefix length. */
function nat64(ip: IpAddress): readonly IpAddress[] {
  if (ip.w1 === 0 && ip.w2 === 0) return [ipv4(ip.w3)];
  return ip.w1 >>> 16 === 1 ? localNat64(ip) : NONE;
}

/**
 * A network may use 64:ff9b:1::/48 whole or a /56, /64 or /96 of it; which one cannot be seen, so each reading
 * counts. RFC 6052 §2.2: bits 64..71 are skipped. The unused bits of one form read as 0.x.x.x in another, and no
 * translator sends to 0.0.0.0/8, so such a reading counts only where there is no other.
 */
function localNat64(ip: IpAddress): readonly IpAddress[] {
  const behind = ip.w2 & 0xffffff;
  const by48 = (ip.w1 << 16) | (behind >>> 8);
  const by56 = (ip.w1 << 24) | behind;
  const by64 = (behind << 8) | (ip.w3 >>> 24);
  const readings = [ip.w3, by48, by56, by64].map(ipv4);
  const routable = readings.filter((reading) => reading.w3 >>> 24 !== 0);
  return routable.length > 0 ? routable : readings;
}

function ipv4(word: number): IpAddress {
  return new IpAddress(4, 0, 0, 0, word);
}
