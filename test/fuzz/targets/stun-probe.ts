// Fuzzes the question for our own address: datagrams of anybody, in any order, while one STUN server is asked. It ends
// with the address that this server named, or with none.
//
// input = program (program.ts): each step is a datagram; `who` says from whom, `how` what of the request it echoes

import { EventEmitter } from 'node:events';
import { probeMappedAddress } from '../../../src/net/stun-probe.ts';
import { address } from '../../support/fake-path.ts';
import { attr, decode, message } from '../../support/wire.ts';
import { addressText, xorMask } from '../../support/wire-address.ts';
import { xorMappedAddress } from '../../support/wire-attributes.ts';
import { expect, type Notice, type Target } from '../target.ts';
import { messageSeeds } from './message.ts';
import { decodeProgram, encodeProgram, mutateProgram, type Step } from './program.ts';

/** probeMappedAddress. */
export const stunProbeTarget: Target = {
  name: 'stun-probe',
  code: ['/src/net/stun-probe'],
  seeds,
  mutate: mutateProgram,
  run,
};

const SERVERS = [address('192.0.2.1', 3478), address('2001:db8::1', 3478)] as const;
const LOCAL = [address('0.0.0.0', 0), address('::', 0)] as const;
const TRANSACTION = 1;
const FROM: readonly (readonly [string, number])[] = [
  ['192.0.2.1', 3478],
  ['192.0.2.1', 3479],
  ['198.51.100.9', 3478],
  ['2001:db8::1', 3478],
  ['2001:db8::1%eth0', 3478],
  ['::ffff:192.0.2.1', 3478],
];
// Longer than any test: nothing here waits for it.
const TIMEOUT_MS = 60_000;

type ProbeSocket = ReturnType<Parameters<typeof probeMappedAddress>[0]['openSocket']>;

function seeds(): Buffer[] {
  const tid = Buffer.alloc(12);
  const answers = ['198.51.100.1', '2001:db8::7'].map((ip) =>
    message({ type: 0x0101, tid, attrs: [xorMappedAddress(ip, 9)] }),
  );
  const datagrams = [...answers, ...messageSeeds().slice(0, 5)];
  return datagrams.flatMap((bytes) =>
    FROM.map((_, who) =>
      encodeProgram({ variant: who >= 3 && who < 5 ? 1 : 0, steps: [{ who, how: TRANSACTION, bytes }] }),
    ),
  );
}

async function run(input: Buffer, notice: Notice): Promise<number> {
  const { variant, steps } = decodeProgram(input);
  const [server, local] = [SERVERS[variant & 1] ?? SERVERS[0], LOCAL[variant & 1] ?? LOCAL[0]];
  const socket = new FakeSocket();
  const openSocket = (): ProbeSocket => socket as unknown as ProbeSocket;
  const mapped = probeMappedAddress({ server, local: local.ip, timeoutMs: TIMEOUT_MS, openSocket });
  const counting: string[] = [];
  for (const step of steps) {
    const [from, port] = FROM[step.who % FROM.length] ?? ['', 0];
    const bytes = answer(step, socket.request);
    if (isServer(from, port, server.text)) counting.push(mappedOf(bytes, socket.request, server.ip.family));
    socket.emit('message', bytes, { address: from, port });
  }
  socket.emit('error', new Error('the end'));
  const found = (await mapped)?.text ?? '';
  const expected = counting.find((one) => one !== '') ?? '';
  notice(`${variant & 1} ${found !== ''} ${Math.min(counting.length, 4)}`);
  expect(found === expected, `found ${found} instead of ${expected}`);
  expect(socket.isClosed, 'the socket is left open');
  return steps.length;
}

function answer({ how, bytes }: Step, request: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  if ((how & TRANSACTION) !== 0 && copy.length >= 20) request.copy(copy, 8, 8, 20);
  return copy;
}

function isServer(from: string, port: number, server: string): boolean {
  const plain = from.replace(/%.*/, '').replace('::ffff:', '');
  return server === (plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`);
}

// What wire.ts reads of a success response to this very request; empty for anything else.
function mappedOf(bytes: Buffer, request: Buffer, family: number): string {
  try {
    const response = decode(bytes);
    const isOurs =
      response.type === 0x0101 && response.cookie === 0x2112a442 && response.tid.equals(request.subarray(8, 20));
    const beforeIntegrity = response.types.findIndex(
      (type) => type === attr.messageIntegrity || type === attr.messageIntegritySha256,
    );
    const at = response.types.indexOf(attr.xorMappedAddress);
    if (!isOurs || at < 0 || (beforeIntegrity >= 0 && at > beforeIntegrity)) return '';
    if (response.has(attr.fingerprint) && !(response.fingerprintOk() && response.all(attr.fingerprint).length === 1))
      return '';
    const value = Buffer.from(xorMask(response.get(attr.xorMappedAddress) ?? Buffer.alloc(0), response.tid));
    // The reserved first byte is ignored (RFC 8489 §14.2).
    value.writeUInt8(0, 0);
    const text = addressText(value);
    return text.startsWith('[') === (family === 6) ? text.replace(/^\[|\]?:\d+$/g, '') : '';
  } catch {
    return '';
  }
}

class FakeSocket extends EventEmitter {
  request: Buffer = Buffer.alloc(20);
  isClosed = false;

  send(bytes: Buffer): void {
    this.request = bytes;
  }

  close(): void {
    this.isClosed = true;
  }
}
