// A DNS server on a loopback UDP port that knows a few records, assembled by hand after RFC 1035 §4.1, RFC 2782 and
// RFC 3403 §4.1.

import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { ipBytes } from './wire-address.ts';

const TYPES = { A: 1, AAAA: 28, SRV: 33, NAPTR: 35 } as const;
const NAME_ERROR = 3;
const SERVER_FAILURE = 2;

/** Records by `TYPE name`; `fail` answers SERVFAIL. */
export type Zone = Readonly<Record<string, readonly Buffer[] | 'fail'>>;

/** A running server, and a resolver that asks it. */
export interface DnsServer {
  readonly resolver: Resolver;
  /** `TYPE name` of each question. */
  readonly asked: string[];
  close(): void;
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([...labels.map((label) => Buffer.from(`\u0000${label}`)), Buffer.from([0])].map(withLength));
}

function withLength(label: Buffer): Buffer {
  if (label.length > 1) label.writeUInt8(label.length - 1, 0);
  return label;
}

function halves(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

/** An A or AAAA record's data. */
export function ipRecord(ip: string): Buffer {
  return ipBytes(ip);
}

/** priority(16) weight(16) port(16) target */
export function srvRecord(priority: number, weight: number, port: number, target: string): Buffer {
  return Buffer.concat([halves(priority, weight, port), nameBytes(target)]);
}

/** order(16) preference(16) flags service regexp replacement */
export function naptrRecord(order: number, flags: string, service: string, replacement: string): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  return Buffer.concat([halves(order, 10), text(flags), text(service), text(''), nameBytes(replacement)]);
}

function readQuestion(query: Buffer): { key: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const number = query.readUInt16BE(at + 1);
  const type = Object.entries(TYPES).find(([, value]) => value === number)?.[0] ?? String(number);
  return { key: `${type} ${labels.join('.').toLowerCase()}`, end: at + 5 };
}

function answer(query: Buffer, zone: Zone): Buffer {
  const { key, end } = readQuestion(query);
  const found = zone[key];
  const records = found === undefined || found === 'fail' ? [] : found;
  const code = found === 'fail' ? SERVER_FAILURE : found === undefined ? NAME_ERROR : 0;
  const type = TYPES[key.split(' ')[0] as keyof typeof TYPES] ?? 0;
  const header = Buffer.concat([query.subarray(0, 2), halves(0x8180 | code, 1, records.length, 0, 0)]);
  // Each record names the question by a pointer to it.
  const rows = records.map((data) => Buffer.concat([halves(0xc00c, type, 1, 0, 60, data.length), data]));
  return Buffer.concat([header, query.subarray(12, end), ...rows]);
}

/** Starts one. */
export async function startDnsServer(zone: Zone): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (query, from) => {
    asked.push(readQuestion(query).key);
    socket.send(answer(query, zone), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return { resolver, asked, close: () => socket.close() };
}
