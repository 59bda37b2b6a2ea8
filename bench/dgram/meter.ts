// Stamps packets and measures those that arrive. Allocates nothing per packet.

import { performance } from 'node:perf_hooks';
import { CHANNEL_HEADER_LENGTH, writeChannelHeader } from '../../src/stun/channel-data.ts';
import { Histogram } from '../histogram.ts';
import { MIN_PAYLOAD } from '../packet-stamp.ts';

// payload = step(32) reserved(32) sent-at(64, milliseconds as a double) filler
const STEP_OFFSET = 0;
const SENT_AT_OFFSET = 8;

// A packet is in the kernel when send() returns, unless the socket buffer is full: a ring gives it time to leave.
const RING_LENGTH = 256;

/** Packets of the warm-up are not counted. */
export const Phase = { WARM_UP: 0, MEASURED: 1 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Counts and times the packets of the measured phase. */
export class Meter {
  sent = 0;
  received = 0;
  readonly latency: Histogram = new Histogram();
  readonly #packets: readonly Buffer[];
  readonly #payloads: readonly Buffer[];
  #phase: Phase = Phase.WARM_UP;
  #step = 0;
  #next = 0;

  /** `payload` is the length of the application data in each packet, at least {@link MIN_PAYLOAD}. */
  constructor(payload: number, channel: number) {
    this.#packets = Array.from({ length: RING_LENGTH }, () => {
      const packet = Buffer.alloc(CHANNEL_HEADER_LENGTH + payload, 0xa5);
      writeChannelHeader(packet, 0, channel, payload);
      return packet;
    });
    this.#payloads = this.#packets.map((packet) => packet.subarray(CHANNEL_HEADER_LENGTH));
  }

  /** Begins a step: everything is 0, and what was sent before it is not counted any more. */
  begin(phase: Phase): void {
    this.#phase = phase;
    this.#step++;
    this.sent = 0;
    this.received = 0;
    this.latency.clear();
  }

  /** A stamped ChannelData message; valid until {@link RING_LENGTH} more have been taken. */
  takePacket(): Buffer {
    return this.#packets[this.#stamp()] as Buffer;
  }

  /** The same without the ChannelData header, for the peer. */
  takePayload(): Buffer {
    return this.#payloads[this.#stamp()] as Buffer;
  }

  /** Counts a packet whose payload begins at `offset`, if it was sent in this step and the step is measured. */
  onPacket(packet: Buffer, offset: number): void {
    if (packet.length < offset + MIN_PAYLOAD) return;
    if (this.#phase !== Phase.MEASURED || packet.readUInt32BE(offset + STEP_OFFSET) !== this.#step) return;
    this.received++;
    this.latency.record((performance.now() - packet.readDoubleBE(offset + SENT_AT_OFFSET)) * 1e6);
  }

  #stamp(): number {
    const index = this.#next;
    this.#next = (index + 1) % RING_LENGTH;
    const payload = this.#payloads[index] as Buffer;
    payload.writeUInt32BE(this.#step, STEP_OFFSET);
    payload.writeDoubleBE(performance.now(), SENT_AT_OFFSET);
    if (this.#phase === Phase.MEASURED) this.sent++;
    return index;
  }
}
