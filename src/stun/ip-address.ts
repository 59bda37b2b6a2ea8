// IP addresses as numbers: the value type, its strict text forms and a hash over its words.
// Owns the only text parser for addresses. Knows no ports, sockets or policy.

/** An address family in the words used here: 4 for IPv4, 6 for IPv6. */
export type IpFamily = 4 | 6;

const COLON = 0x3a;
const DOT = 0x2e;
const GROUPS = 8;

/**
 * An IP address as numbers; immutable. IPv4 lies in `w3` (host order) and `w0..w2` are 0. Words are int32: from 2^31 on
 * a u32 is a double, which the engine boxes at every call that it does not inline; shift by `>>>` to read one unsigned.
 * An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is an IPv6 value of its own: see {@link unmapped}.
 */
export class IpAddress {
  readonly family: IpFamily;
  /** Bits 0..31 of an IPv6 address as int32; 0 for IPv4. */
  readonly w0: number;
  /** Bits 32..63; 0 for IPv4. */
  readonly w1: number;
  /** Bits 64..95; 0 for IPv4. */
  readonly w2: number;
  /** Bits 96..127; the whole IPv4 address. */
  readonly w3: number;
  private cachedText: string;

  /** The words may be given as u32 or int32. */
  constructor(family: IpFamily, w0: number, w1: number, w2: number, w3: number) {
    this.family = family;
    this.w0 = w0 | 0;
    this.w1 = w1 | 0;
    this.w2 = w2 | 0;
    this.w3 = w3 | 0;
    this.cachedText = '';
  }

  /** The canonical text (RFC 5952; dotted quad for IPv4 and behind ::ffff:), made on first use. */
  get text(): string {
    if (this.cachedText === '') this.cachedText = this.family === 4 ? quadText(this.w3) : ipv6Text(this);
    return this.cachedText;
  }

  /** Whether the other address has the same family and bits; a mapped address is not its IPv4 address. */
  equals(other: IpAddress): boolean {
    return this.sameWords(other.family, other.w0, other.w1, other.w2, other.w3);
  }

  /** {@link equals} for an address that is not an object; the words are int32. */
  sameWords(family: number, w0: number, w1: number, w2: number, w3: number): boolean {
    return this.w3 === w3 && this.w2 === w2 && this.w1 === w1 && this.w0 === w0 && this.family === family;
  }

  toString(): string {
    return this.text;
  }
}

/** A mutable address for the packet path, reused per socket; `family` 0 means none. Words are int32. */
export class AddressWords {
  family = 0;
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;
}

/** Reads an address literal strictly: no zone id, no octal or short form, nothing around it. Null if it is none. */
export function parseIp(text: string): IpAddress | null {
  const words = new AddressWords();
  if (!readLiteral(text, text.length, words)) return null;
  return new IpAddress(words.family === 4 ? 4 : 6, words.w0, words.w1, words.w2, words.w3);
}

/** The IPv4 address inside ::ffff:a.b.c.d; every other address is returned as it is. */
export function unmapped(ip: IpAddress): IpAddress {
  const isMapped = ip.family === 6 && ip.w0 === 0 && ip.w1 === 0 && ip.w2 === 0xffff;
  return isMapped ? new IpAddress(4, 0, 0, 0, ip.w3) : ip;
}

/**
 * Reads the text that a socket reports for a sender, without allocating. ::ffff:a.b.c.d, which is how a
 * dual-stack socket shows an IPv4 sender, becomes IPv4, and the %zone of an IPv6 address is cut off.
 * @returns false, and `into.family` 0, when the text is no address
 */
export function readIpText(text: string, into: AddressWords): boolean {
  const zone = text.indexOf('%');
  if (!readLiteral(text, zone < 0 ? text.length : zone, into)) return false;
  if (into.family === 4) return zone < 0 || refuse(into);
  if (into.w0 === 0 && into.w1 === 0 && into.w2 === 0xffff) {
    into.family = 4;
    into.w2 = 0;
  }
  return true;
}

/** Mixes the four words into an int32 for a hash table. It has no secret: an adversary can find collisions. */
export function hashWords(w0: number, w1: number, w2: number, w3: number): number {
  let hash = Math.imul(w0 ^ 0x9e3779b9, 0x85ebca6b);
  hash = Math.imul((hash ^ (hash >>> 15)) + w1, 0xc2b2ae35);
  hash = Math.imul((hash ^ (hash >>> 15)) + w2, 0x27d4eb2f);
  hash = Math.imul((hash ^ (hash >>> 15)) + w3, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function refuse(into: AddressWords): false {
  into.family = 0;
  return false;
}

function readLiteral(text: string, end: number, into: AddressWords): boolean {
  into.w0 = 0;
  into.w1 = 0;
  into.w2 = 0;
  const quad = readQuad(text, 0, end);
  into.w3 = quad < 0 ? 0 : quad | 0;
  into.family = quad < 0 ? 6 : 4;
  return quad >= 0 || readGroups(text, end, into) || refuse(into);
}

/** The u32 of a dotted quad that fills `start..end` exactly, or -1. Leading zeros are refused: some read them as octal. */
function readQuad(text: string, start: number, end: number): number {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (octet < 0 || ++dots > 3) return -1;
      value = value * 256 + octet;
      octet = -1;
      continue;
    }
    const digit = code - 0x30;
    if (digit < 0 || digit > 9 || octet === 0) return -1;
    octet = octet < 0 ? digit : octet * 10 + digit;
    if (octet > 255) return -1;
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : -1;
}

/** IPv6 groups (RFC 4291 §2.2) into zeroed words; false when `text` up to `end` is no IPv6 address. */
function readGroups(text: string, end: number, into: AddressWords): boolean {
  const opensWithGap = text.charCodeAt(0) === COLON && text.charCodeAt(1) === COLON;
  let at = opensWithGap ? 2 : 0;
  let gap = opensWithGap ? 0 : -1;
  let count = 0;
  while (at < end) {
    const stop = segmentEnd(text, at, end);
    const quad = stop === end && count <= GROUPS - 2 ? readQuad(text, at, end) : -1;
    if (quad >= 0) {
      setGroup(into, count, quad >>> 16);
      setGroup(into, count + 1, quad & 0xffff);
      count += 2;
      break;
    }
    const group = readHex(text, at, stop);
    if (group < 0 || count === GROUPS) return false;
    setGroup(into, count++, group);
    if (stop === end) break;
    at = stop + 1;
    if (at === end) return false;
    if (text.charCodeAt(at) === COLON) {
      if (gap >= 0) return false;
      gap = count;
      at++;
    }
  }
  if (gap < 0) return count === GROUPS;
  return count < GROUPS && moveTail(into, gap, count);
}

/** Moves the groups behind the `::` to the end. */
function moveTail(into: AddressWords, gap: number, count: number): true {
  for (let back = 1; back <= count - gap; back++) {
    const group = getGroup(into, count - back);
    setGroup(into, count - back, 0);
    setGroup(into, GROUPS - back, group);
  }
  return true;
}

function segmentEnd(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && text.charCodeAt(at) !== COLON) at++;
  return at;
}

/** One to four hexadecimal digits in `start..end`, or -1. */
function readHex(text: string, start: number, end: number): number {
  if (end === start || end - start > 4) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = hexDigit(text.charCodeAt(at));
    if (digit < 0) return -1;
    value = (value << 4) | digit;
  }
  return value;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function getGroup(from: AddressWords | IpAddress, index: number): number {
  const pair = index >> 1;
  const word = pair === 0 ? from.w0 : pair === 1 ? from.w1 : pair === 2 ? from.w2 : from.w3;
  return (index & 1) === 0 ? word >>> 16 : word & 0xffff;
}

function setGroup(into: AddressWords, index: number, group: number): void {
  const pair = index >> 1;
  const old = pair === 0 ? into.w0 : pair === 1 ? into.w1 : pair === 2 ? into.w2 : into.w3;
  const word = (index & 1) === 0 ? (group << 16) | (old & 0xffff) : (old & 0xffff0000) | group;
  if (pair === 0) into.w0 = word;
  else if (pair === 1) into.w1 = word;
  else if (pair === 2) into.w2 = word;
  else into.w3 = word;
}

function quadText(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`;
}

/** RFC 5952 §4 and §5: lower case, no leading zeros, `::` for the first longest run of two or more zero groups. */
function ipv6Text(ip: IpAddress): string {
  if (ip.w0 === 0 && ip.w1 === 0 && ip.w2 === 0xffff) return `::ffff:${quadText(ip.w3)}`;
  let runStart = 0;
  let runLength = 0;
  for (let start = 0; start < GROUPS; start++) {
    const length = zeroRun(ip, start);
    if (length > runLength) {
      runStart = start;
      runLength = length;
    }
  }
  if (runLength < 2) return groupsText(ip, 0, GROUPS);
  return `${groupsText(ip, 0, runStart)}::${groupsText(ip, runStart + runLength, GROUPS)}`;
}

function zeroRun(ip: IpAddress, start: number): number {
  let at = start;
  while (at < GROUPS && getGroup(ip, at) === 0) at++;
  return at - start;
}

function groupsText(ip: IpAddress, from: number, to: number): string {
  const groups: string[] = [];
  for (let index = from; index < to; index++) groups.push(getGroup(ip, index).toString(16));
  return groups.join(':');
}
