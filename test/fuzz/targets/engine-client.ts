// Fuzzes the engine from the clients' side: an allocated UDP client, a stream, and strangers send mutated messages,
// some signed anew so that they get deep.

import { FrameStatus, StreamFramer } from '../../../src/stun/stream-framer.ts';
import { type Lab, REALM, settle, USERS } from '../../support/lab.ts';
import type { LabClient } from '../../support/lab-client.ts';
import { attr } from '../../support/wire.ts';
import { longTermKey, passwordAlgorithm, passwordAlgorithms, userhash } from '../../support/wire-attributes.ts';
import { type Ending, rebuild, withTrueLength } from '../mutate-message.ts';
import { expect, type Notice, type Target } from '../target.ts';
import { checkReceived, checkUnauthenticated, isResponseTo } from './answer-checks.ts';
import {
  allocate,
  challenge,
  expectFairRelaying,
  expectNoFailure,
  expectNothingLeft,
  introduce,
  openLab,
  pass,
  Variant,
  Watch,
} from './engine-lab.ts';
import { engineSeeds } from './engine-seeds.ts';
import { decodeProgram, mutateProgram, type Step } from './program.ts';

/** Who does a step, modulo {@link WHO_COUNT}. */
export const Who = { UDP: 0, STREAM: 1, STRANGER: 2, STRANGER_STREAM: 3, TIME: 4, STREAM_CLOSES: 5 } as const;
const WHO_COUNT = 6;

/** Bits of a step's `how`. */
export const How = {
  SIGNED: 1,
  FINGERPRINT: 2,
  /** LIFETIME follows the integrity attribute. */
  AFTER: 4,
  SHA256: 8,
  /** PASSWORD-ALGORITHMS and a choice. */
  NEGOTIATED: 16,
  USERHASH: 32,
  WRONG_PASSWORD: 64,
  RAW_LENGTH: 128,
  /** The next step comes before relay sockets have opened; matters in {@link Variant.ASYNC} only. */
  AT_ONCE: 128,
} as const;

/** The engine, clients' side. */
export const engineClientTarget: Target = {
  name: 'engine-client',
  code: ['/src/turn/'],
  seeds: engineSeeds,
  mutate: mutateProgram,
  run,
};

async function run(input: Buffer, notice: Notice): Promise<number> {
  const { variant, steps } = decodeProgram(input);
  const session = new Session(variant, notice);
  let executions = 0;
  for (const step of steps) executions += await session.take(step);
  await session.finish();
  return executions + 1;
}

class Session {
  readonly #lab: Lab;
  readonly #notice: Notice;
  readonly #watch: Watch;
  readonly #variant: number;
  readonly #udp: LabClient;
  readonly #strangers: readonly LabClient[];
  #stream: LabClient;
  // What may still be answered: the message itself, and where relay sockets open later, those before.
  #open: Buffer[] = [];
  #framer: StreamFramer = new StreamFramer();
  #strangerFramer: StreamFramer = new StreamFramer();

  constructor(variant: number, notice: Notice) {
    this.#variant = variant;
    this.#notice = notice;
    this.#lab = openLab(variant);
    this.#udp = this.#lab.client();
    this.#stream = this.#connect();
    this.#strangers = [this.#lab.client(), this.#lab.client({ transport: 'tcp' })];
    challenge(this.#udp);
    const later = (variant & (Variant.BARE | Variant.ASYNC | Variant.SCARCE)) !== 0;
    if (!later) {
      for (const client of [this.#udp, this.#stream]) allocate(client);
      introduce(this.#udp, this.#stream);
    }
    this.#watch = new Watch(this.#lab);
  }

  /** Does one step and judges what comes of it; returns how many messages reached the engine. */
  async take(step: Step): Promise<number> {
    const who = step.who % WHO_COUNT;
    if (who === Who.TIME) pass(this.#lab, step.bytes.length === 0 ? 1 : (step.bytes[0] as number) * 8);
    else if (who === Who.STREAM_CLOSES) this.#reconnect();
    else return this.#send(who, step);
    this.#watch.notice(`${who}`, this.#notice);
    return 1;
  }

  async finish(): Promise<void> {
    await settleAll();
    this.#stream.close();
    expectNothingLeft(this.#lab);
    expect(!this.#udp.retained, 'a five-tuple without allocation is remembered');
  }

  #connect(): LabClient {
    this.#framer = new StreamFramer();
    const client = this.#lab.client({ transport: 'tcp', user: 'bob' });
    challenge(client);
    return client;
  }

  #reconnect(): void {
    this.#stream.close();
    this.#stream = this.#connect();
  }

  async #send(who: number, step: Step): Promise<number> {
    const stream = who === Who.STREAM || who === Who.STRANGER_STREAM;
    const client =
      who === Who.UDP ? this.#udp : who === Who.STREAM ? this.#stream : (this.#strangers[who - 2] as LabClient);
    const bytes = who >= Who.STRANGER ? step.bytes : ended(client, step);
    if (!stream) {
      await this.#deliver(client, who, bytes, (step.how & How.AT_ONCE) === 0);
      return 1;
    }
    return this.#sendStream(client, who, bytes, (step.how & How.AT_ONCE) === 0);
  }

  // Cut as the stream listener does it. A stream that is none is closed.
  async #sendStream(client: LabClient, who: number, bytes: Buffer, isLast: boolean): Promise<number> {
    const framer = who === Who.STREAM ? this.#framer : this.#strangerFramer;
    let frames = 0;
    framer.push(Buffer.from(bytes));
    let status = framer.next();
    for (; status === FrameStatus.FRAME; status = framer.next()) {
      frames++;
      await this.#deliver(client, who, Buffer.from(framer.buffer.subarray(framer.start, framer.end)), isLast);
    }
    if (status === FrameStatus.FATAL && who === Who.STREAM) this.#reconnect();
    if (status === FrameStatus.FATAL) this.#strangerFramer = new StreamFramer();
    return Math.max(frames, 1);
  }

  async #deliver(client: LabClient, who: number, bytes: Buffer, isLast: boolean): Promise<void> {
    this.#open.push(bytes);
    client.send(bytes);
    if (isLast && (this.#variant & Variant.ASYNC) !== 0) await settleAll();
    const received = [this.#udp, this.#stream, ...this.#strangers].flatMap((one) =>
      one.take().map((got) => [one, got] as const),
    );
    expect(received.length + this.#lab.relays.lost.length <= this.#open.length, `${received.length} messages for one`);
    for (const [receiver, got] of received) this.#judge(client, receiver, got, who, bytes);
    expectFairRelaying(this.#lab, bytes);
    if (isLast || (this.#variant & Variant.ASYNC) === 0) this.#open = [];
    expectNoFailure(this.#lab);
    for (const stranger of this.#strangers) expect(stranger.allocation === null, 'a stranger has an allocation');
    expect(!this.#strangers[0]?.retained, 'a stranger is remembered');
    const type = bytes.length >= 2 ? bytes.readUInt16BE(0) : -1;
    this.#watch.notice(`${who} ${type < 0x4000 ? type : 'other'}`, this.#notice);
  }

  #judge(sender: LabClient, receiver: LabClient, got: Buffer, who: number, bytes: Buffer): void {
    const received = checkReceived(got, receiver === this.#stream || receiver === this.#strangers[1]);
    this.#notice(`${who} ${this.#variant & 129} ${received.kind}`);
    if (received.kind === 'channel-data') return expect(bytes.includes(received.payload), 'relayed other bytes');
    const { message: answer } = received;
    if (received.kind === 'data')
      return expect(bytes.includes(answer.get(attr.data) ?? 'no DATA'), 'relayed other bytes');
    const request = this.#open.find((one) => isResponseTo(answer, one));
    expect(request !== undefined, 'an answer to nothing');
    expect(receiver === sender || this.#open.length > 1, 'an answer to another client');
    const budgeted = who === Who.STRANGER && (this.#variant & (Variant.PASSWORD_ALGORITHMS | Variant.STRICT)) === 0;
    if (this.#strangers.includes(receiver)) checkUnauthenticated(answer, request, budgeted);
    if (answer.has(attr.nonce)) receiver.nonce = answer.text(attr.nonce) ?? '';
    const types = [...new Set(answer.types)].join();
    this.#notice(`${who} answer ${answer.type} ${answer.errorCode} ${types} ${answer.unknownAttributes.length > 0}`);
  }
}

// Two relay sockets open one after the other, and then the answer is made.
async function settleAll(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await settle();
}

// The step's bytes, signed as it says.
function ended(client: LabClient, { how, bytes }: Step): Buffer {
  const has = (bit: number): boolean => (how & bit) !== 0;
  if (!has(How.SIGNED) || (bytes[0] ?? 0) >= 0x40) return has(How.RAW_LENGTH) ? bytes : withTrueLength(bytes);
  const password = has(How.WRONG_PASSWORD) ? 'wrong' : (USERS.get(client.user) ?? '');
  const negotiated = has(How.NEGOTIATED) ? [passwordAlgorithms(2, 1), passwordAlgorithm(has(How.SHA256) ? 2 : 1)] : [];
  const [name, ...rest] = client.credentials();
  const named = has(How.USERHASH) ? userhash(client.user, REALM) : name;
  const hash = has(How.NEGOTIATED) && has(How.SHA256) ? 'sha256' : 'md5';
  const ending: Ending = {
    credentials: [...(named === undefined ? [] : [named]), ...rest, ...negotiated],
    key: longTermKey(client.user, REALM, password, hash),
    integrity: has(How.SHA256) ? 'sha256' : 'sha1',
    after: has(How.AFTER) ? [[attr.lifetime, Buffer.alloc(4)]] : [],
    fingerprint: has(How.FINGERPRINT),
  };
  return rebuild(bytes, ending);
}
