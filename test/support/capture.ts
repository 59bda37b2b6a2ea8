// What is on the wire of a namespace: every IP packet of every interface, taken apart as far as tests ask. IPv4 and
// IPv6; extension headers and fragments count as they are.

import type { Libc } from '../../src/planes/linux/libc.ts';
import { RawSocket } from './raw-socket.ts';
import { ipText } from './wire-address.ts';

const UDP = 17;

/** A packet. Ports and payload are of UDP; 0 and empty for anything else. */
export interface Packet {
  /** Whether it was seen on its way out of an interface; on loopback each packet is seen both ways. */
  readonly outgoing: boolean;
  readonly protocol: number;
  readonly source: string;
  readonly target: string;
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly payload: Buffer;
}

/** A running capture. */
export class Capture {
  readonly #socket: RawSocket;

  /** Hears the namespace that it is opened in. @throws Error without rights */
  static open(libc: Libc): Capture {
    const socket = RawSocket.capture(libc);
    if (socket === null) throw new Error('a capture takes rights (CAP_NET_RAW)');
    return new Capture(socket);
  }

  private constructor(socket: RawSocket) {
    this.#socket = socket;
  }

  /** All that was heard since the last call. */
  read(): Packet[] {
    const packets: Packet[] = [];
    for (let heard = this.#socket.now(); heard !== null; heard = this.#socket.now()) {
      const packet = takeApart(heard.bytes, heard.outgoing);
      if (packet !== null) packets.push(packet);
    }
    return packets;
  }

  close(): void {
    this.#socket.close();
  }
}

function takeApart(bytes: Buffer, outgoing: boolean): Packet | null {
  const version = (bytes[0] ?? 0) >>> 4;
  if ((version !== 4 && version !== 6) || bytes.length < (version === 4 ? 20 : 40)) return null;
  const [protocol, start, source, target] =
    version === 4
      ? [bytes.readUInt8(9), (bytes.readUInt8(0) & 0xf) * 4, bytes.subarray(12, 16), bytes.subarray(16, 20)]
      : [bytes.readUInt8(6), 40, bytes.subarray(8, 24), bytes.subarray(24, 40)];
  const isUdp = protocol === UDP && bytes.length >= start + 8;
  return {
    outgoing,
    protocol,
    source: ipText(source),
    target: ipText(target),
    sourcePort: isUdp ? bytes.readUInt16BE(start) : 0,
    targetPort: isUdp ? bytes.readUInt16BE(start + 2) : 0,
    payload: isUdp ? bytes.subarray(start + 8) : Buffer.alloc(0),
  };
}
