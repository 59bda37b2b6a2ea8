// Mutated datagrams and streams against a server that runs, over real sockets, while a call goes on beside them. The pace
// is the server's: each volley ends with a Binding request whose answer says that all before it has been read.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { readCorpus } from '../fuzz/corpus.ts';
import { mutateChannelData } from '../fuzz/mutate-bytes.ts';
import { mutateMessage } from '../fuzz/mutate-message.ts';
import { SeededRandom } from '../fuzz/random.ts';
import { messageSeeds } from '../fuzz/targets/message.ts';
import { patiently } from './raw-client.ts';
import { channelData, message } from './wire.ts';
import { data, xorPeerAddress } from './wire-attributes.ts';

/** What loopback takes in one datagram without fragments of its own. */
const MAX_DATAGRAM = 8192;

/** Makes messages and ChannelData that are nearly right, always the same ones for a seed. */
export class Ammunition {
  readonly #random: SeededRandom;
  readonly #seeds: readonly Buffer[];

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    const tid = Buffer.alloc(12, 9);
    const own = [
      message({ type: 0x0016, tid, attrs: [xorPeerAddress('127.0.0.1', 9), data('payload')] }),
      channelData(0x4000, 'payload', { pad: true }),
      channelData(0x4abc, 'payload'),
    ];
    this.#seeds = [...messageSeeds(), ...own, ...readCorpus('message'), ...readCorpus('attributes')];
  }

  /** One datagram: bits flipped, cut short, or spliced with another and with the dictionary. */
  next(): Buffer {
    const [bytes, other] = [this.#random.pick(this.#seeds), this.#random.pick(this.#seeds)];
    const isMessage = (bytes[0] ?? 0) < 0x40;
    const change = isMessage ? mutateMessage : mutateChannelData;
    return change(bytes, other, this.#random).subarray(0, MAX_DATAGRAM);
  }

  /** Several of them in a row, as a stream. */
  stream(): Buffer {
    return Buffer.concat(Array.from({ length: 1 + this.#random.below(6) }, () => this.next()));
  }
}

/** A socket of nobody that the server has to put up with. */
export class Stranger {
  readonly #socket: Socket;
  readonly #awaited = new Map<string, () => void>();

  /** @param address of its own: whoever shares one with a peer has that peer's permission */
  static async open(address: string): Promise<Stranger> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
    socket.bind(0, address);
    await once(socket, 'listening');
    return new Stranger(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('message', (bytes) => this.#awaited.get(bytes.toString('hex', 8, 20))?.());
  }

  /** Sends to a port of 127.0.0.1; resolves when the kernel has taken all. */
  async volley(datagrams: readonly Buffer[], port: number): Promise<void> {
    const sent = datagrams.map(
      (bytes) => new Promise((resolve) => this.#socket.send(bytes, port, '127.0.0.1', resolve)),
    );
    await Promise.all(sent);
  }

  /** Resolves when the server has read whatever was sent to this listening port before. */
  async acknowledged(port: number): Promise<void> {
    const request = message({ type: 0x0001 });
    const tid = request.toString('hex', 8, 20);
    const answered = new Promise<void>((resolve) => this.#awaited.set(tid, resolve));
    await this.volley([request], port);
    await patiently('the answer to a Binding request', answered, 60_000);
    this.#awaited.delete(tid);
  }

  close(): void {
    this.#socket.close();
  }
}

/** Writes bytes to a stream listener, and resolves when the connection is gone. */
export async function bombardStream(kind: 'tcp' | 'tls', port: number, bytes: Buffer): Promise<void> {
  const socket =
    kind === 'tcp'
      ? connectTcp({ host: '127.0.0.1', port })
      : connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
  socket.on('error', () => {});
  socket.resume();
  // However it ends: a server may reset what it has no use for.
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.end(bytes);
  await patiently('the end of a connection', closed, 60_000);
}

/** What processes hold. */
export interface Holdings {
  readonly descriptors: number;
  /** Resident bytes. */
  readonly memory: number;
}

/** What these processes hold together. */
export function holdingsOf(pids: readonly number[]): Holdings {
  const descriptors = pids.map((pid) => readdirSync(`/proc/${pid}/fd`).length);
  const memory = pids.map(
    (pid) => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024,
  );
  return { descriptors: sum(descriptors), memory: sum(memory) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
