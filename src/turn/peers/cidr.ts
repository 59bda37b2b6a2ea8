// Address ranges: one CIDR prefix and a table of prefixes, compared as numbers, never as text.
// Knows nothing of what a range means to the policy.

import { IpAddress, parseIp } from '../../stun/ip-address.ts';

/** A range of addresses of one family: every address that shares the first `length` bits of `base`. Immutable. */
export class Cidr {
  /** The first address of the range; its host bits are zero. */
  readonly base: IpAddress;
  /** The prefix length in bits: 0..32 for IPv4, 0..128 for IPv6. */
  readonly length: number;
  private readonly mask: IpAddress;

  /** Host bits set in `base` are cleared; {@link parseCidr} refuses them. */
  constructor(base: IpAddress, length: number) {
    this.length = length;
    this.mask = prefixMask(base.family, length);
    this.base = masked(base, this.mask);
  }

  /** Whether the range holds this address. An IPv4 range holds no IPv6 form of its addresses, and the reverse. */
  contains(ip: IpAddress): boolean {
    const { base, mask } = this;
    return (
      ip.family === base.family &&
      ((ip.w0 & mask.w0) ^ base.w0) === 0 &&
      ((ip.w1 & mask.w1) ^ base.w1) === 0 &&
      ((ip.w2 & mask.w2) ^ base.w2) === 0 &&
      ((ip.w3 & mask.w3) ^ base.w3) === 0
    );
  }

  toString(): string {
    return `${this.base.text}/${this.length}`;
  }
}

/**
 * Reads `address/length`, or a bare address as the range of that one address. Host bits are an error: the writer
 * meant another range than the one written. A range inside ::ffff:0:0/96 is the IPv4 range that it maps; the whole
 * of ::ffff:0:0/96 stays IPv6, because operators write it to close that form and not to name all of IPv4.
 * @returns the range, or one sentence for the operator
 */
export function parseCidr(text: string): Cidr | { error: string } {
  const slash = text.indexOf('/');
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (ip === null) return { error: `"${text}" is not an IP address or a CIDR range` };
  const width = ip.family === 4 ? 32 : 128;
  const length = slash < 0 ? width : readLength(text.slice(slash + 1), width);
  if (length < 0) return { error: `"${text}" needs a prefix length from 0 to ${width}` };
  const cidr = new Cidr(ip, length);
  if (!cidr.base.equals(ip)) return { error: `"${text}" has host bits set; the network is ${cidr}` };
  return withoutMapping(cidr);
}

interface TableEntry<T> {
  readonly cidr: Cidr;
  readonly value: T;
}

/** What is known of ranges of addresses. The first entry that holds an address wins. Immutable. */
export class PrefixTable<T> {
  private readonly ipv4: readonly TableEntry<T>[][];
  private readonly ipv6: readonly TableEntry<T>[][];

  constructor(entries: readonly TableEntry<T>[]) {
    this.ipv4 = byFirstOctet(entries.filter((entry) => entry.cidr.base.family === 4));
    this.ipv6 = byFirstOctet(entries.filter((entry) => entry.cidr.base.family === 6));
  }

  /** The value of the first entry that holds the address, or null. Does not allocate. */
  find(ip: IpAddress): T | null {
    const bucket = ip.family === 4 ? this.ipv4[ip.w3 >>> 24]! : this.ipv6[ip.w0 >>> 24]!;
    for (let index = 0; index < bucket.length; index++) {
      const entry = bucket[index]!;
      if (entry.cidr.contains(ip)) return entry.value;
    }
    return null;
  }
}

/** For each first octet the entries, in order, that hold an address beginning with it: most octets have none. */
function byFirstOctet<T>(entries: readonly TableEntry<T>[]): TableEntry<T>[][] {
  const buckets: TableEntry<T>[][] = [];
  for (let octet = 0; octet < 256; octet++) buckets.push(entries.filter((entry) => touches(entry.cidr, octet)));
  return buckets;
}

function touches(cidr: Cidr, octet: number): boolean {
  const first = cidr.base.family === 4 ? cidr.base.w3 >>> 24 : cidr.base.w0 >>> 24;
  const free = Math.max(0, 8 - cidr.length);
  return first >> free === octet >> free;
}

function readLength(text: string, width: number): number {
  if (!/^(0|[1-9][0-9]{0,2})$/.test(text)) return -1;
  const length = Number(text);
  return length <= width ? length : -1;
}

function withoutMapping(cidr: Cidr): Cidr {
  const { base, length } = cidr;
  const isMapped = base.family === 6 && length > 96 && base.w0 === 0 && base.w1 === 0 && base.w2 === 0xffff;
  return isMapped ? new Cidr(new IpAddress(4, 0, 0, 0, base.w3), length - 96) : cidr;
}

function prefixMask(family: 4 | 6, length: number): IpAddress {
  if (family === 4) return new IpAddress(4, 0, 0, 0, wordMask(length));
  return new IpAddress(6, wordMask(length), wordMask(length - 32), wordMask(length - 64), wordMask(length - 96));
}

/** The first `bits` bits of a word; a shift by 32 would be a shift by 0. */
function wordMask(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0;
}

function masked(ip: IpAddress, mask: IpAddress): IpAddress {
  return new IpAddress(ip.family, ip.w0 & mask.w0, ip.w1 & mask.w1, ip.w2 & mask.w2, ip.w3 & mask.w3);
}
