// Fuzzes the engine from the peers' side: datagrams of any size and content from permitted and other addresses to the
// relayed addresses of a UDP client and of a stream.
//
// A step's `how` picks the sender, and its bytes go to every relayed address; three bytes are an order for a datagram
// of so many.

import type { Relay } from '../../../src/turn/allocation.ts';
import { type Lab, settle, transportAddress } from '../../support/lab.ts';
import type { LabClient } from '../../support/lab-client.ts';
import { attr } from '../../support/wire.ts';
import { NUMBERS } from '../dictionary.ts';
import { expect, type Notice, type Target } from '../target.ts';
import { checkReceived } from './answer-checks.ts';
import {
  allocate,
  challenge,
  expectNoFailure,
  expectNothingLeft,
  openLab,
  PEERS,
  pass,
  Variant,
  Watch,
} from './engine-lab.ts';
import { messageSeeds } from './message.ts';
import { decodeProgram, encodeProgram, mutateProgram, type Step } from './program.ts';

/** The engine, peers' side. */
export const enginePeerTarget: Target = {
  name: 'engine-peer',
  code: ['/src/turn/relay-path', '/src/turn/permission', '/src/turn/channel'],
  seeds,
  mutate: mutateProgram,
  run,
};

const STRANGERS = ['93.184.216.99:5000', '127.0.0.1:9', '[::1]:9', '[::ffff:93.184.216.34]:5000', '203.0.113.1:3478'];
const SAME_HOST = ['93.184.216.34:5009', '[2606:2800:220:1::1]:1'];
const SENDERS: readonly string[] = [...PEERS, ...SAME_HOST, ...STRANGERS];

// `who` of the step that lets time pass instead.
const TIME = 15;

// The longest payload of a Data indication: 65,532 bytes of attributes less XOR-PEER-ADDRESS and the header of DATA.
const FITS = { 4: 0xfffc - 12 - 4, 6: 0xfffc - 24 - 4 } as const;

// Variants with relay sockets that open at once, and with room for both clients.
const VARIANTS = 0xff & ~(Variant.ASYNC | Variant.SCARCE | Variant.BARE);

function seeds(): Buffer[] {
  const sizes = NUMBERS.map((size) => Buffer.from([1, size >> 8, size & 0xff]));
  const payloads = [...sizes, ...messageSeeds().slice(0, 3), Buffer.alloc(0), Buffer.from('40000004', 'hex')];
  const bySize = payloads.map((bytes) => PEERS.map((_, how) => ({ who: 0, how, bytes })));
  const bySender = SENDERS.map((_, how) => ({ who: 0, how, bytes: Buffer.from('xy') }));
  const later = { who: TIME, how: 0, bytes: Buffer.from([200]) };
  return [
    ...bySize.map((steps) => encodeProgram({ variant: 0, steps })),
    encodeProgram({ variant: 0, steps: bySender }),
    encodeProgram({ variant: 0, steps: [later, ...bySender, later, ...bySender, later, later, ...bySender] }),
  ];
}

async function run(input: Buffer, notice: Notice): Promise<number> {
  const { variant, steps } = decodeProgram(input);
  const lab = openLab(variant & VARIANTS);
  const clients = [lab.client(), lab.client({ transport: 'tcp', user: 'bob' })];
  for (const client of clients) challenge(client);
  for (const client of clients) allocate(client);
  const watch = new Watch(lab);
  let executions = 0;
  for (const step of steps) {
    if ((step.who & 15) === TIME) pass(lab, step.bytes[0] ?? 1);
    else for (const client of clients) executions += deliverToAll(lab, clients, client, step, notice);
    watch.notice(`${step.how % SENDERS.length}`, notice);
    expectNoFailure(lab);
  }
  await settle();
  for (const client of clients) client.close();
  expectNothingLeft(lab);
  return executions;
}

function deliverToAll(lab: Lab, clients: readonly LabClient[], to: LabClient, step: Step, notice: Notice): number {
  const relays = to.allocation?.relays() ?? [];
  const { how, bytes } = step;
  const payload = bytes.length === 3 ? Buffer.alloc(bytes.readUInt16BE(1), 0x5a) : bytes;
  const sender = SENDERS[how % SENDERS.length] as string;
  for (const relay of relays) {
    const due = isDue(lab, relay, sender, payload.length);
    lab.peer(sender).send(relay.relayed.text, payload);
    const got = to.take();
    const others = clients.flatMap((one) => one.take());
    expect(others.length === 0, 'another client got it');
    expect(got.length === (due ? 1 : 0), `${got.length} messages for ${payload.length} bytes from ${sender}`);
    for (const one of got) expect(payloadOf(one, to === clients[1], sender).equals(payload), 'the payload has changed');
    const first = got[0]?.[0] ?? 0;
    notice(`${clients.indexOf(to)} ${relay.family} ${due} ${first >> 4} ${payload.length.toString(2).length}`);
  }
  return relays.length;
}

// A permission is needed, and without a channel the payload must fit a Data indication (RFC 8656 §11.3, §12.5).
function isDue(lab: Lab, relay: Relay, sender: string, length: number): boolean {
  const { ip, port } = transportAddress(sender);
  const now = lab.clock.now();
  const permission = relay.allocation.permissions.find(ip);
  if (permission === null || !permission.isLive(now)) return false;
  return length <= FITS[ip.family] || permission.channelAt(port)?.isLive(now) === true;
}

function payloadOf(bytes: Buffer, stream: boolean, sender: string): Buffer {
  const received = checkReceived(bytes, stream);
  expect(received.kind !== 'response', 'a response to a datagram of a peer');
  if (received.kind === 'channel-data') return received.payload;
  expect(received.message.xorAddress(attr.xorPeerAddress) === sender, 'another peer is named');
  return received.message.get(attr.data) ?? Buffer.alloc(0);
}
