// Fuzzes the client against a hostile server: whatever comes as answers, every question ends, with a result or a
// ClientError, and no timer and no path is left.
//
// input = program (program.ts): each step is the next answer; `how` says how much of the request it echoes

import { ClientError } from '../../../src/client/client-error.ts';
import { KeepAlive } from '../../../src/client/keep-alive.ts';
import { openAllocation } from '../../../src/client/open-allocation.ts';
import type { Target as ServerTarget } from '../../../src/client/resolve.ts';
import { ServerMemory } from '../../../src/client/server-memory.ts';
import type { TurnClient } from '../../../src/client/turn-client.ts';
import { address, errorCode, FakePath, SERVER } from '../../support/fake-path.ts';
import { VirtualTimers } from '../../support/virtual-timers.ts';
import { channelData, type Decoded, message } from '../../support/wire.ts';
import { plainAddress } from '../../support/wire-address.ts';
import * as attribute from '../../support/wire-attributes.ts';
import { rebuild } from '../mutate-message.ts';
import { expect, type Notice, type Target } from '../target.ts';
import { decodeProgram, encodeProgram, mutateProgram, type Step } from './program.ts';

/** TurnClient and openAllocation. */
export const clientTarget: Target = { name: 'client', code: ['/src/client/'], seeds, mutate: mutateProgram, run };

/** Bits of a step's `how`. */
const How = { TRANSACTION: 1, METHOD: 2, SIGNED: 4, FINGERPRINT: 8, AGAIN: 16 } as const;
const REALM = 'example.org';
const CREDENTIAL = { username: 'alice', password: 's3cret-Pass' };
const KEY = attribute.longTermKey(CREDENTIAL.username, REALM, CREDENTIAL.password);
const PEER = address('198.51.100.7', 5000);
const MAX_PATHS = 40;
const WHOLE_LIFE_MS = 900_000;
/** Bit of the variant: a stream. */
const STREAM = 1;

function seeds(): Buffer[] {
  const { realm, nonce, lifetime, xorMappedAddress, xorRelayedAddress, software } = attribute;
  const tid = Buffer.alloc(12);
  const refusal = (code: number, more: readonly (readonly [number, Buffer])[] = []): Buffer =>
    message({ type: 0x0113, tid, attrs: [[0x0009, errorCode(code)], ...more] });
  const challenge = message({
    type: 0x0113,
    tid,
    attrs: [[0x0009, errorCode(401)], realm(REALM), nonce('n'.repeat(24))],
  });
  const addresses = [xorRelayedAddress('203.0.113.1', 50_000), xorMappedAddress('198.51.100.1', 4000)];
  const granted = message({ type: 0x0103, tid, attrs: [...addresses, lifetime(600), software('x')] });
  const dead = message({ type: 0x0103, tid, attrs: [...addresses, lifetime(0)] });
  const fine = message({ type: 0x0108, tid });
  const elsewhere = refusal(300, [[0x8023, plainAddress('192.0.2.77', 3478)]]);
  const data = message({
    type: 0x0017,
    tid,
    attrs: [attribute.xorPeerAddress('198.51.100.7', 5000), attribute.data('hi')],
  });
  const echoing = How.TRANSACTION | How.METHOD;
  const signed = echoing | How.SIGNED;
  const step = (bytes: Buffer, how: number = echoing): Step => ({ who: 0, how, bytes });
  const good = [
    step(granted),
    step(challenge),
    step(granted, signed),
    step(fine, signed),
    step(fine, signed),
    step(data, 0),
  ];
  return [
    good,
    [step(granted), step(challenge), step(dead, signed), step(fine, signed)],
    [...good, step(channelData(0x4000, 'hi', { pad: true }), 0)],
    ...[400, 403, 437, 438, 440, 441, 442, 486, 508, 500].map((code) => [
      step(granted),
      step(challenge),
      step(refusal(code), signed),
    ]),
    [step(granted), step(elsewhere), step(challenge), step(granted, signed)],
    [step(granted), step(challenge), step(challenge), step(challenge)],
  ].flatMap((steps) => [encodeProgram({ variant: 0, steps }), encodeProgram({ variant: STREAM, steps })]);
}

async function run(input: Buffer, notice: Notice): Promise<number> {
  const { variant, steps } = decodeProgram(input);
  const server = new HostileServer(steps, (variant & STREAM) !== 0 ? 'tcp' : 'udp');
  const timers = new VirtualTimers();
  const ended = live(server, timers, notice);
  let isOver = false;
  void ended.finally(() => {
    isOver = true;
  });
  for (let turn = 0; turn < 50 && !isOver; turn++) await timers.pass(WHOLE_LIFE_MS);
  expect(isOver, 'the client hangs');
  await ended;
  await timers.pass(0);
  expect(timers.waiting === 0, `${timers.waiting} timers are left`);
  for (const path of server.paths) expect(path.isClosed, 'a path is left open');
  return steps.length + 1;
}

// The whole life of a client, as `turnctl check` leads it.
async function live(server: HostileServer, timers: VirtualTimers, notice: Notice): Promise<void> {
  const env = { credential: CREDENTIAL, timers, memory: new ServerMemory(), connect: server.connect };
  const target = { address: SERVER, transport: server.kind, name: null, secure: false } as unknown as ServerTarget;
  const opened = await outcome('open', openAllocation(target, env), notice);
  if (opened === null) return;
  const { client } = opened;
  client.onPeerData = (peer, data) => notice(`data of ${peer.ip.family} ${data.length.toString(2).length}`);
  const keepAlive = new KeepAlive(client, (error) => notice(`renewal ${error.fault}`));
  await use(client, notice);
  keepAlive.stop();
  await client.close();
}

async function use(client: TurnClient, notice: Notice): Promise<void> {
  await outcome('binding', client.binding(), notice);
  await outcome('permission', client.createPermission(PEER.ip), notice);
  const channel = await outcome('channel', client.bindChannel(PEER), notice);
  client.send(PEER, Buffer.from('hello'));
  await outcome('connect', client.connectPeer(PEER), notice);
  await outcome('refresh', client.refresh(channel ?? undefined), notice);
}

async function outcome<T>(what: string, promise: Promise<T>, notice: Notice): Promise<T | null> {
  try {
    const value = await promise;
    notice(`${what} done`);
    return value;
  } catch (error) {
    if (!(error instanceof ClientError)) throw new Error(`${what} fails with no ClientError`, { cause: error });
    notice(`${what} ${error.fault} ${error.errorCode}`);
    return null;
  }
}

/** Answers each request with the next step, whatever it is; the last one goes on for ever. */
class HostileServer {
  readonly kind: 'udp' | 'tcp';
  readonly paths: FakePath[] = [];
  readonly #steps: readonly Step[];
  #next = 0;

  constructor(steps: readonly Step[], kind: 'udp' | 'tcp') {
    this.#steps = steps;
    this.kind = kind;
  }

  readonly connect = async (target: ServerTarget): Promise<FakePath> => {
    expect(this.paths.length < MAX_PATHS, 'follows redirections for ever');
    const path = new FakePath((request) => this.#answers(request), this.kind, target.address);
    this.paths.push(path);
    return path;
  };

  #answers(request: Decoded): Buffer[] {
    const answers: Buffer[] = [];
    for (;;) {
      const step = this.#steps[Math.min(this.#next++, this.#steps.length - 1)];
      if (step === undefined) return answers;
      answers.push(answerTo(request, step));
      if ((step.how & How.AGAIN) === 0 || this.#next > this.#steps.length) return answers;
    }
  }
}

function answerTo(request: Decoded, { how, bytes }: Step): Buffer {
  const has = (bit: number): boolean => (how & bit) !== 0;
  if (bytes.length < 20 || (bytes[0] ?? 0) >= 0x40) return bytes;
  const copy = Buffer.from(bytes);
  if (has(How.METHOD)) copy.writeUInt16BE((request.type & 0x3eef) | (copy.readUInt16BE(0) & 0x0110), 0);
  if (has(How.TRANSACTION)) request.tid.copy(copy, 8);
  const integrity = has(How.SIGNED) ? ({ key: KEY, integrity: request.has(0x001c) ? 'sha256' : 'sha1' } as const) : {};
  return has(How.SIGNED) || has(How.FINGERPRINT)
    ? rebuild(copy, { ...integrity, fingerprint: has(How.FINGERPRINT) })
    : copy;
}
