// Version 2 of the PROXY protocol: a binary block. Knows no sockets.
//
//    0  signature (12 bytes)
//   12  version 2 (4 bits) | command (4 bits)
//   13  address family (4 bits) | transport (4 bits)
//   14  length of what follows (16 bits): source, destination, source port, destination port, then TLVs:
//       type (8 bits), length (16 bits), value

import { IpAddress, unmapped } from '../stun/ip-address.ts';
import { TransportAddress, TransportWords } from '../stun/transport-address.ts';
import { isChecksum } from './crc32c.ts';
import { type HeaderReading, HeaderStatus, INVALID, MORE } from './proxy-header-reading.ts';

/** How such a block begins: in no protocol that is meant for people or for STUN. */
export const SIGNATURE: Buffer = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** Bytes of the largest block that is read, as nginx has it: TLVs may hold a certificate, and are of no use here. */
export const MAX_BLOCK = 4096;

const FIXED = 16;

const Command = { LOCAL: 0x20, PROXY: 0x21 } as const;
const Family = { UNSPEC: 0x00, TCP4: 0x11, TCP6: 0x21, UNIX_STREAM: 0x31 } as const;

/**
 * Bytes of the two ends, by family and transport. Datagrams (0x12, 0x22, 0x32) are not among them: this is a stream. Nor
 * is what §2.2 has not assigned, which must be refused.
 */
const ENDS: ReadonlyMap<number, number> = new Map([
  [Family.UNSPEC, 0],
  [Family.TCP4, 12],
  [Family.TCP6, 36],
  [Family.UNIX_STREAM, 216],
]);

const TLV_HEAD = 3;
const TLV_CRC32C = 3;

/** Reads bytes that begin with {@link SIGNATURE}. */
export function readBlock(bytes: Buffer): HeaderReading {
  if (bytes.length < FIXED) return MORE;
  const command = bytes[12];
  const length = FIXED + bytes.readUInt16BE(14);
  if ((command !== Command.LOCAL && command !== Command.PROXY) || length > MAX_BLOCK) return INVALID;
  if (bytes.length < length) return MORE;
  // A health check of the proxy: whatever else the block says is to be ignored.
  if (command === Command.LOCAL) return { status: HeaderStatus.DONE, length, addresses: null };
  return readProxied(bytes.subarray(0, length));
}

function readProxied(block: Buffer): HeaderReading {
  const family = block[13] as number; // FIXED bytes at least
  const ends = ENDS.get(family);
  if (ends === undefined || block.length < FIXED + ends) return INVALID;
  // Nobody says that what follows an unspecified family are TLVs.
  if (family !== Family.UNSPEC && !areSound(block, FIXED + ends)) return INVALID;
  return { status: HeaderStatus.DONE, length: block.length, addresses: readAddresses(block, family) };
}

// Families that are valid but not known here count as unspecified (§2.2): the connection's own addresses.
function readAddresses(block: Buffer, family: number): { source: TransportWords; local: TransportAddress } | null {
  if (family !== Family.TCP4 && family !== Family.TCP6) return null;
  const size = family === Family.TCP4 ? 4 : 16;
  const ports = FIXED + 2 * size;
  const end = (at: number, port: number): TransportAddress =>
    new TransportAddress(readIp(block, at, size), block.readUInt16BE(port));
  const source = new TransportWords();
  source.set(end(FIXED, ports));
  return { source, local: end(FIXED + size, ports + 2) };
}

function readIp(block: Buffer, at: number, size: number): IpAddress {
  const word = (index: number): number => block.readInt32BE(at + 4 * index);
  // An IPv4 client of a dual-stack proxy is an IPv4 client (RFC 8489 §6.3.1).
  return size === 4
    ? new IpAddress(4, 0, 0, 0, word(0))
    : unmapped(new IpAddress(6, word(0), word(1), word(2), word(3)));
}

// Whether the TLVs fill the block, and a checksum is right; the others are nobody's business here.
function areSound(block: Buffer, start: number): boolean {
  let at = start;
  while (at < block.length) {
    if (at + TLV_HEAD > block.length) return false;
    const value = at + TLV_HEAD;
    const end = value + block.readUInt16BE(at + 1);
    if (end > block.length) return false;
    if (block[at] === TLV_CRC32C && !isChecksum(block, value, end)) return false;
    at = end;
  }
  return true;
}
