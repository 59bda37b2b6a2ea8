// Version 1 of the PROXY protocol: one line of text. Knows no sockets.
//
//   PROXY TCP4|TCP6 SP source SP destination SP source-port SP destination-port CRLF
//   PROXY UNKNOWN [SP anything] CRLF

import { parseIp, unmapped } from '../stun/ip-address.ts';
import { TransportAddress, TransportWords } from '../stun/transport-address.ts';
import { type HeaderReading, HeaderStatus, INVALID, MORE } from './proxy-header-reading.ts';

/** How such a line begins. */
export const PREFIX: Buffer = Buffer.from('PROXY ');

/** Bytes of the longest line, its end included (§2.1). */
export const MAX_LINE = 107;

const CR = 0x0d;
const LF = 0x0a;

const UNKNOWN = /^PROXY UNKNOWN(?: .*)?$/s;
const KNOWN = /^PROXY (TCP4|TCP6) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/;

const MAX_PORT = 65_535;

/** Reads bytes that begin with {@link PREFIX}. */
export function readLine(bytes: Buffer): HeaderReading {
  const visible = Math.min(bytes.length, MAX_LINE);
  for (let at = PREFIX.length; at < visible; at++) {
    if (bytes[at] === LF) return INVALID;
    if (bytes[at] !== CR) continue;
    if (at + 1 === MAX_LINE) return INVALID;
    if (at + 1 === bytes.length) return MORE;
    return bytes[at + 1] === LF ? parseLine(bytes.toString('latin1', 0, at), at + 2) : INVALID;
  }
  return bytes.length < MAX_LINE ? MORE : INVALID;
}

function parseLine(text: string, length: number): HeaderReading {
  if (UNKNOWN.test(text)) return { status: HeaderStatus.DONE, length, addresses: null };
  const [, name, from = '', to = '', fromPort, toPort] = KNOWN.exec(text) ?? [];
  const family = name === 'TCP4' ? 4 : 6;
  const source = readEnd(family, from, Number(fromPort));
  const local = readEnd(family, to, Number(toPort));
  if (name === undefined || source === null || local === null) return INVALID;
  const words = new TransportWords();
  words.set(source);
  return { status: HeaderStatus.DONE, length, addresses: { source: words, local } };
}

function readEnd(family: 4 | 6, text: string, port: number): TransportAddress | null {
  const ip = parseIp(text);
  if (ip === null || ip.family !== family || port > MAX_PORT) return null;
  // An IPv4 client of a dual-stack proxy is an IPv4 client (RFC 8489 §6.3.1).
  return new TransportAddress(unmapped(ip), port);
}
