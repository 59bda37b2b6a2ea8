// UDP over IP as bytes: packets that are made by hand, and the fields of those that were captured.

const UDP = 17;

/** The fields that a test looks at. */
export class IpPacket {
  readonly version: 4 | 6;
  /** DSCP and ECN. */
  readonly trafficClass: number;
  /** TTL or Hop Limit. */
  readonly hops: number;
  readonly dontFragment: boolean;
  readonly flowLabel: number;
  /** The length of IPv4 options, or whether an IPv6 extension header stands before the UDP header: 0 for neither. */
  readonly options: number;
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly payload: Buffer;

  /** Null for what is no UDP over IP, or a later fragment. */
  static read(bytes: Buffer): IpPacket | null {
    const version = (bytes[0] ?? 0) >>> 4;
    if (version === 4 && bytes[9] === UDP && (bytes.readUInt16BE(6) & 0x1fff) === 0) return new IpPacket(bytes, 4);
    if (version === 6 && bytes[6] === UDP) return new IpPacket(bytes, 6);
    return null;
  }

  private constructor(bytes: Buffer, version: 4 | 6) {
    const isIpv6 = version === 6;
    const udp = isIpv6 ? 40 : ((bytes[0] as number) & 0xf) * 4;
    this.version = version;
    this.trafficClass = isIpv6 ? (bytes.readUInt16BE(0) >>> 4) & 0xff : (bytes[1] as number);
    this.hops = bytes[isIpv6 ? 7 : 8] as number;
    this.dontFragment = !isIpv6 && (bytes.readUInt16BE(6) & 0x4000) !== 0;
    this.flowLabel = isIpv6 ? bytes.readUInt32BE(0) & 0xfffff : 0;
    this.options = isIpv6 ? 0 : udp - 20;
    this.sourcePort = bytes.readUInt16BE(udp);
    this.targetPort = bytes.readUInt16BE(udp + 2);
    this.payload = bytes.subarray(udp + 8);
  }
}

/** What a packet is made of. */
export interface IpPacketInput {
  /** An IPv4 address of this host to which it goes; 127.0.0.1 or ::1 by default. */
  readonly target?: string;
  /** The IPv4 address that it claims to be from; 127.0.0.1 by default. */
  readonly source?: string;
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly payload: Buffer;
  readonly trafficClass?: number;
  readonly hops?: number;
  readonly dontFragment?: boolean;
  readonly flowLabel?: number;
}

function udp({ sourcePort, targetPort, payload }: IpPacketInput): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(targetPort, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** An IPv4 packet; the kernel fills in the header's checksum, and UDP over IPv4 needs none. */
export function packetV4(input: IpPacketInput): Buffer {
  const body = udp(input);
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header[1] = input.trafficClass ?? 0;
  header.writeUInt16BE(20 + body.length, 2);
  header.writeUInt16BE(input.dontFragment === true ? 0x4000 : 0, 6);
  header[8] = input.hops ?? 64;
  header[9] = UDP;
  const addresses = [input.source ?? '127.0.0.1', input.target ?? '127.0.0.1'];
  header.set(
    addresses.flatMap((address) => address.split('.').map(Number)),
    12,
  );
  return Buffer.concat([header, body]);
}

const ICMP = 1;

/** An ICMP error from a router at 127.0.0.1 about a packet that {@link packetV4} would make. */
export function icmpV4(type: number, code: number, mtu: number, about: IpPacketInput): Buffer {
  const icmp = Buffer.alloc(8);
  icmp[0] = type;
  icmp[1] = code;
  icmp.writeUInt16BE(mtu, 6);
  const original = packetV4(about).subarray(0, 28);
  const body = Buffer.concat([icmp, original]);
  body.writeUInt16BE(checksum(body), 2);
  const packet = Buffer.concat([packetV4({ ...about, target: '127.0.0.1' }).subarray(0, 20), body]);
  packet.writeUInt16BE(packet.length, 2);
  packet[9] = ICMP;
  return packet;
}

/** A packet from ::1 to ::1. */
export function packetV6(input: IpPacketInput): Buffer {
  const body = udp(input);
  const header = Buffer.alloc(40);
  header.writeUInt32BE(((6 << 28) >>> 0) | ((input.trafficClass ?? 0) << 20) | (input.flowLabel ?? 0), 0);
  header.writeUInt16BE(body.length, 4);
  header[6] = UDP;
  header[7] = input.hops ?? 64;
  header[23] = 1;
  header[39] = 1;
  const pseudo = Buffer.alloc(40);
  header.copy(pseudo, 0, 8, 40);
  pseudo.writeUInt32BE(body.length, 32);
  pseudo[39] = UDP;
  body.writeUInt16BE(checksum(Buffer.concat([pseudo, body])), 6);
  return Buffer.concat([header, body]);
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] as number) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff || 0xffff;
}
