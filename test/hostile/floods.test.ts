// Junk from outside at a high rate while calls run: the calls lose nothing to speak of, and new ones are set up. Generator,
// calls and server share the cores, so the rate is bounded, and halved twice where a loaded machine does not take it; which
// rate it was is printed. TURND_HOSTILE_RATE (datagrams per second, 0 for as many as go) and TURND_HOSTILE_SECONDS ask for
// another one, and nothing less.

import { type Test, test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { planeUnderTest } from '../support/plane-under-test.ts';
import { type RawClient, REQUEST } from '../support/raw-client.ts';
import { lifetime, requestedTransport } from '../support/wire-attributes.ts';
import { AnswerCounter, FLOOD_SOURCE, type FloodWish, flood, kernelDrops, MANY_SOURCES } from './flood.ts';
import type { JunkKind } from './junk.ts';
import { HOST, Stage } from './stage.ts';

const stage = await Stage.build();
const skip = stage === null && 'network namespaces take root';
const built = stage as Stage;

const { TURND_HOSTILE_RATE, TURND_HOSTILE_SECONDS } = process.env;
const isAsked = TURND_HOSTILE_RATE !== undefined;
const RATE = Number(TURND_HOSTILE_RATE ?? (planeUnderTest === 'linux' ? 20_000 : 8_000));
const SECONDS = Number(TURND_HOSTILE_SECONDS ?? 3);

const TURN = 3478;
/** As many a second are offered where no rate is set. */
const UNBOUND_RATE = 100_000;
const CALLS = 6;
/** Of one call, each way, in milliseconds. */
const PACKET_EVERY = 10;
const CHANNEL = 0x4000;
/** Of every thousand packets. */
const MOST_LOST = 1;
/** The lowest part of the rate that is tried. */
const LOWEST = isAsked ? 1 : 1 / 4;
/** Retransmissions of a request follow after so many milliseconds, then twice that, and so on (RFC 8489 §6.2.1). */
const RTO = 500;

/** A call whose two sides talk all the time, and count what they hear. */
class Call {
  sent = 0;
  received = 0;
  readonly relayPort: number;
  readonly #client: RawClient;
  readonly #peer: DatagramPeer;
  #timer: NodeJS.Timeout | null = null;

  static async open(t: Test): Promise<Call> {
    const client = await built.client(t);
    const { port } = await client.allocated();
    const peer = await DatagramPeer.open('9.9.9.9');
    t.teardown(() => peer.close());
    await client.bind(CHANNEL, '9.9.9.9', peer.port);
    return new Call(client, peer, port);
  }

  private constructor(client: RawClient, peer: DatagramPeer, relayPort: number) {
    this.#client = client;
    this.#peer = peer;
    this.relayPort = relayPort;
    peer.socket.on('message', () => this.received++);
    client.datagrams?.socket.on('message', (bytes) => {
      if ((bytes[0] ?? 0) >= 0x40) this.received++;
    });
  }

  talk(): void {
    this.#timer = setInterval(() => {
      this.sent += 2;
      this.#client.sendChannel(CHANNEL, Buffer.alloc(160, this.sent));
      void this.#peer.send(Buffer.alloc(160, this.sent), this.relayPort, HOST.ipv4);
    }, PACKET_EVERY);
  }

  hush(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }
}

/** Resolves when everything has arrived, or nothing has for a second. */
async function untilQuiet(calls: readonly Call[]): Promise<void> {
  const heard = (): number => calls.reduce((sum, { received }) => sum + received, 0);
  const due = calls.reduce((sum, { sent }) => sum + sent, 0);
  for (let before = -1; heard() < due && before !== heard(); ) {
    before = heard();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Asks, and asks again, as clients do. */
async function patientRequest(client: RawClient, bytes: Buffer) {
  let wait = RTO;
  const repeat = (): void => {
    client.send(bytes);
    wait *= 2;
    timer = setTimeout(repeat, wait);
  };
  let timer = setTimeout(repeat, wait);
  return client.exchange(bytes, 40_000).finally(() => clearTimeout(timer));
}

/** Sets up allocations, one after the other, until `isOver`. */
async function setUpMeanwhile(
  t: Test,
  isOver: () => boolean,
): Promise<{ made: number; failed: number; slowest: number }> {
  const result = { made: 0, failed: 0, slowest: 0 };
  do {
    const client = await built.client(t);
    const startedAt = performance.now();
    const signed = async () => {
      await patientRequest(client, client.signed(REQUEST.allocate, [requestedTransport()])).then((answer) => {
        client.realm = answer.text(0x0014) ?? '';
        client.nonce = answer.text(0x0015) ?? '';
      });
      return patientRequest(client, client.signed(REQUEST.allocate, [requestedTransport()]));
    };
    const answer = await signed().catch(() => null);
    if (answer?.cls === 2) result.made++;
    else result.failed++;
    result.slowest = Math.max(result.slowest, performance.now() - startedAt);
    // Thousands of them: nobody has that many descriptors.
    await patientRequest(client, client.signed(REQUEST.refresh, [lifetime(0)])).catch(() => null);
    client.close();
  } while (!isOver());
  return result;
}

const FLOODS: readonly (readonly [what: string, kind: JunkKind, target: 'listener' | 'relays'])[] = [
  ['invalid ChannelData', 'invalidChannelData', 'listener'],
  ['Send without permission', 'send', 'listener'],
  ['data to relay ports without permission', 'media', 'relays'],
  ['junk STUN', 'stun', 'listener'],
  ['Binding from everywhere', 'binding', 'listener'],
  ['bare Allocates from everywhere', 'allocate', 'listener'],
  ['Allocates with a forged integrity', 'forged', 'listener'],
];

interface Borne {
  readonly due: number;
  readonly lost: number;
  readonly failed: number;
}

/** Floods while all talk. */
async function floodWhileCallsRun(
  t: Test,
  calls: readonly Call[],
  wish: Pick<FloodWish, 'kind' | 'ports' | 'rate'>,
): Promise<Borne> {
  for (const call of calls) [call.sent, call.received] = [0, 0];
  const [ownBefore, hostBefore] = [kernelDrops(built.outside), kernelDrops(built.host)];
  for (const call of calls) call.talk();
  let isOver = false;
  const count = Math.round((wish.rate === 0 ? UNBOUND_RATE : wish.rate) * SECONDS);
  const flooding = flood({ ...wish, count, target: HOST.ipv4, sources: MANY_SOURCES, firstSource: FLOOD_SOURCE });
  const ended = flooding.finally(() => {
    isOver = true;
  });
  const [{ sent, seconds }, setUps] = await Promise.all([ended, setUpMeanwhile(t, () => isOver)]);
  for (const call of calls) call.hush();
  await untilQuiet(calls);
  const due = calls.reduce((sum, call) => sum + call.sent, 0);
  const missing = due - calls.reduce((sum, { received }) => sum + received, 0);
  // What the sockets of the test itself had no room for is no loss of the server's; what the host's had none for is.
  const lost = Math.max(0, missing - (kernelDrops(built.outside) - ownBefore));
  const dropped = kernelDrops(built.host) - hostBefore;
  t.comment(`${Math.round(sent / seconds)} datagrams/s, of ${sent} the host's kernel dropped ${dropped}`);
  t.comment(`${setUps.made} set-ups, the slowest in ${setUps.slowest.toFixed(0)} ms; ${lost} of ${due} packets lost`);
  return { due, lost, failed: setUps.failed };
}

function isFine({ due, lost, failed }: Borne): boolean {
  return lost * 1000 <= due * MOST_LOST && failed === 0;
}

test('S52, R9: floods of junk while calls run', { skip }, async (t) => {
  const server = await built.start(t);
  new AnswerCounter(built.outside).take();
  const calls: Call[] = [];
  for (let count = 0; count < CALLS; count++) calls.push(await Call.open(t));
  for (const [what, kind, target] of FLOODS) {
    const ports = target === 'relays' ? calls.map(({ relayPort }) => relayPort) : [TURN];
    let rate = RATE;
    let borne = await floodWhileCallsRun(t, calls, { kind, ports, rate });
    while (!isFine(borne) && rate > RATE * LOWEST) {
      rate /= 2;
      borne = await floodWhileCallsRun(t, calls, { kind, ports, rate });
    }
    t.ok(
      isFine(borne),
      `${what} at ${rate}/s: ${borne.lost} of ${borne.due} packets lost, ${borne.failed} set-ups failed`,
    );
  }
  t.ok(server.isAlive);
  t.notOk(
    server.log.some(({ event }) => event === 'worker-lost'),
    'no worker was lost',
  );
});
