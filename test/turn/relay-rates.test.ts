// Rates as clients feel them: the engine under a clock that moves in steps of 100 ms.

import { test } from 'tap';
import { NO_REALMS, RealmTable } from '../../src/auth/realm-table.ts';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { NO_USER } from '../../src/turn/grant.ts';
import { NO_RATE, type Rate } from '../../src/turn/rate-meter.ts';
import { NO_RATES, type RelayRates } from '../../src/turn/rate-meters.ts';
import { Lab, type LabOptions, LIMITS, labRateMemory, REALM } from '../support/lab.ts';
import type { LabClient, LabClientOptions } from '../support/lab-client.ts';
import { PEER, PEER_B } from '../support/lab-relayed.ts';
import { lifetime } from '../support/wire-attributes.ts';

const CHANNEL = 0x4000;
const STEP = 100;
const STEPS = 100;
const DATA = Buffer.alloc(100, 7);
/** Ten packets of {@link DATA} in a step are this rate. */
const RATE = rate(10_000);

function rate(bytesPerSecond: number, packetsPerSecond = 0): Rate {
  return { bytesPerSecond, packetsPerSecond };
}

function labWith(rates: Partial<RelayRates>, options: LabOptions = {}): Lab {
  return new Lab({ ...options, limits: { rates: { ...NO_RATES, ...rates } } });
}

/** A client with a peer of its own, to which a channel is bound. */
class Caller {
  readonly client: LabClient;
  readonly #lab: Lab;
  readonly #peer: string;
  readonly #relayed: string;

  private constructor(lab: Lab, client: LabClient, peer: string, relayed: string) {
    this.#lab = lab;
    this.client = client;
    this.#peer = peer;
    this.#relayed = relayed;
  }

  static async open(lab: Lab, port: number, options: LabClientOptions = {}): Promise<Caller> {
    const client = lab.client(options);
    const relayed = await client.allocated();
    const peer = `93.184.216.34:${port}`;
    lab.peer(peer);
    await client.bind(CHANNEL, peer);
    client.take();
    return new Caller(lab, client, peer, relayed);
  }

  /** Sends so many packets through the channel: how many arrive. */
  send(packets: number, data = DATA): number {
    for (let packet = 0; packet < packets; packet++) this.client.sendChannel(CHANNEL, data);
    return this.#lab.peer(this.#peer).take().length;
  }

  /** Its peer sends so many packets: how many arrive. */
  receive(packets: number, data = DATA): number {
    for (let packet = 0; packet < packets; packet++) this.#lab.peer(this.#peer).send(this.#relayed, data);
    return this.client.take().length;
  }
}

/** Lets each do its share in each of {@link STEPS} steps of time. @returns what each got through */
function through(labs: readonly Lab[], shares: readonly (() => number)[]): number[] {
  const sums = shares.map(() => 0);
  for (let step = 0; step < STEPS; step++) {
    shares.forEach((share, index) => {
      sums[index] = (sums[index] ?? 0) + share();
    });
    for (const lab of labs) lab.clock.monotonic += STEP;
  }
  return sums;
}

/** Whether it is what a rate lets through in the time of {@link through}, with a burst if there was silence before. */
function isRate(packets: number | undefined, perStep = 10, burst = 5): boolean {
  const expected = (STEPS + burst) * perStep;
  return packets !== undefined && Math.abs(packets - expected) <= 2 * perStep;
}

function dropped(lab: Lab): number {
  const { dropped: counts } = lab.engine.counters;
  return (counts[DropReason.OVER_RATE] as number) + (counts[DropReason.OVER_RATE_TO_CLIENT] as number);
}

test('S51, TURN-40: ten times the rate of an allocation: the excess is dropped, and nobody is told', async (t) => {
  const lab = labWith({ allocation: RATE });
  const caller = await Caller.open(lab, 5000);
  const [sent] = through([lab], [() => caller.send(100)]);
  t.ok(isRate(sent), `${sent} packets`);
  t.same(caller.client.take(), [], 'no error');
  t.equal(dropped(lab), STEPS * 100 - (sent as number), 'and each drop is counted');
  t.equal(caller.client.allocation?.overRateToPeer, dropped(lab));
  t.equal(caller.client.allocation?.ipv4?.packetsToPeer, sent, 'what was dropped was not relayed');
  t.equal(lab.engine.counters.packetsToPeer, sent);
  t.equal(caller.client.allocation?.channels.get(CHANNEL)?.packetsToPeer, sent);
});

test('S51 each direction has the whole rate: by channel, Send and Data', async (t) => {
  const lab = labWith({ allocation: RATE });
  const caller = await Caller.open(lab, 5000);
  const [sent, received] = through([lab], [() => caller.send(30), () => caller.receive(30)]);
  t.ok(isRate(sent) && isRate(received), `${sent} and ${received} packets`);
  t.equal(caller.client.allocation?.overRateToClient, STEPS * 30 - (received as number));
  const plain = lab.client();
  const relayed = await plain.allocated();
  await plain.permit(PEER);
  const peer = lab.peer(PEER);
  const sendBySend = (): number => {
    for (let packet = 0; packet < 30; packet++) plain.sendTo(PEER, DATA);
    return peer.take().length;
  };
  const receiveByData = (): number => {
    for (let packet = 0; packet < 30; packet++) peer.send(relayed, DATA);
    return plain.take().length;
  };
  const [bySend, byData] = through([lab], [sendBySend, receiveByData]);
  t.ok(isRate(bySend) && isRate(byData), `${bySend} and ${byData} packets`);
});

test('S51 packets are limited as bytes are', async (t) => {
  const lab = labWith({ allocation: rate(0, 100) });
  const caller = await Caller.open(lab, 5000);
  const [sent] = through([lab], [() => caller.send(100, Buffer.alloc(1))]);
  t.ok(isRate(sent), `${sent} packets`);
});

test('S51 one user at ten times his rate loses his excess, and others lose nothing', async (t) => {
  const lab = labWith({ user: RATE, server: rate(40_000) });
  const greedy = [await Caller.open(lab, 5000), await Caller.open(lab, 5001)];
  const modest = await Caller.open(lab, 5002, { user: 'bob' });
  const shares = [...greedy.map((each) => () => each.send(50)), () => modest.send(10), () => modest.receive(10)];
  const [first = 0, second = 0, ...others] = through([lab], shares);
  t.ok(isRate(first + second), `${first} + ${second} packets of both allocations of alice`);
  t.same(others, [STEPS * 10, STEPS * 10]);
});

test('S51 the rate of the server holds for all together', async (t) => {
  const lab = labWith({ server: rate(20_000), allocation: rate(500_000), user: rate(500_000) });
  const callers = [await Caller.open(lab, 5000), await Caller.open(lab, 5001, { user: 'bob' })];
  const [a = 0, b = 0] = through(
    [lab],
    callers.map((caller) => () => caller.send(100)),
  );
  t.ok(isRate(a + b, 20), `${a} + ${b} packets`);
});

test('S51 rates of users and the server hold over processes', async (t) => {
  const rateMemory = labRateMemory();
  const labs = [1, 2].map((worker) =>
    labWith({ user: RATE, server: rate(20_000) }, { env: { rateMemory }, settings: { worker } }),
  );
  const [one, two] = labs as [Lab, Lab];
  two.clock.monotonic += 60; // sampled at another moment
  const alice = [await Caller.open(one, 5000), await Caller.open(two, 5000)];
  // Each process's lab counts users for itself: bob has to come second in both.
  const bob = [await Caller.open(one, 5001, { user: 'bob' }), await Caller.open(two, 5001, { user: 'bob' })];
  const [a = 0, b = 0, c = 0, d = 0] = through(
    labs,
    [...alice, ...bob].map((caller) => () => caller.send(100)),
  );
  t.ok(isRate(a + b), `${a} + ${b} packets of alice`);
  t.ok(isRate(c + d), `${c} + ${d} packets of bob`);
});

test('S51 whoever is not counted as a user has no limit as one', async (t) => {
  const lab = labWith({ user: RATE }, { env: { quota: { acquire: () => NO_USER, release: () => {} } } });
  const caller = await Caller.open(lab, 5000);
  t.equal(caller.client.allocation?.meter, null);
  t.equal(caller.send(1000), 1000);
});

test('without a limit there is nothing to ask for a packet', async (t) => {
  const lab = new Lab();
  const caller = await Caller.open(lab, 5000);
  t.equal(caller.client.allocation?.meter, null);
  t.equal(caller.send(5000), 5000);
});

test('S51 new rates hold for allocations that exist, and so does their end', async (t) => {
  const lab = new Lab();
  const caller = await Caller.open(lab, 5000);
  const late = await Caller.open(lab, 5001, { user: 'bob' });
  lab.engine.setLimits({ ...LIMITS, rates: { ...NO_RATES, allocation: RATE } });
  t.ok([caller, late].every((each) => isRate(through([lab], [() => each.send(100)])[0])));
  lab.engine.setLimits({ ...LIMITS, rates: { ...NO_RATES, user: rate(20_000) } });
  t.ok([caller, late].every((each) => isRate(through([lab], [() => each.send(100)])[0], 20)));
  lab.engine.setLimits(LIMITS);
  t.equal(caller.send(1000), 1000);
});

test('a change of rates that leaves the own one as it is fills no bucket', async (t) => {
  const lab = labWith({ allocation: RATE });
  const caller = await Caller.open(lab, 5000);
  t.equal(caller.send(1000), 51);
  lab.engine.setLimits({ ...LIMITS, rates: { ...NO_RATES, allocation: RATE, server: rate(1_000_000) } });
  t.equal(caller.send(1000), 0);
});

test('S48, S50: limits of permissions and channels change under way; what exceeds them stays', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.allocated();
  await client.permit('9.9.9.1', '9.9.9.2', '9.9.9.3');
  await client.bind(0x4000, '9.9.9.1:1');
  await client.bind(0x4001, '9.9.9.1:2');
  lab.engine.setLimits({ ...LIMITS, permissionsPerAllocation: 2, channelsPerAllocation: 1 });
  t.equal((await client.permit('9.9.9.4')).errorCode, 508);
  t.equal((await client.bind(0x4002, '9.9.9.1:3')).errorCode, 508);
  t.equal(client.allocation?.permissions.size, 3);
  t.equal((await client.bind(0x4001, '9.9.9.1:2')).type, 0x0109, 'and may be refreshed');
  lab.engine.setLimits({ ...LIMITS, permissionsPerAllocation: 4, channelsPerAllocation: 3 });
  t.equal((await client.permit('9.9.9.4')).type, 0x0108);
  t.equal((await client.bind(0x4002, '9.9.9.1:3')).type, 0x0109);
  t.equal((await client.permit('9.9.9.5')).errorCode, 508);
});

test('max-bps of a realm stands in place of the configured rate of an allocation, and changes under way', async (t) => {
  const realms = new RealmTable({ allow: [], deny: [], realms: [], unsafeAllowLoopback: false });
  const told = (bytesPerSecond: number): void =>
    realms.update({
      ...NO_REALMS,
      rates: [
        { realm: REALM, bytesPerSecond },
        { realm: 'other.example', bytesPerSecond: 1 },
      ],
    });
  told(10_000);
  const lab = labWith({ allocation: rate(5000, 0) }, { env: { realms } });
  const caller = await Caller.open(lab, 5000);
  t.ok(isRate(through([lab], [() => caller.send(100)])[0]));
  told(20_000);
  lab.engine.realmsChanged();
  t.ok(isRate(through([lab], [() => caller.send(100)])[0], 20, 0));
  told(0);
  lab.engine.realmsChanged();
  t.equal(caller.send(1000), 1000, '0 is no limit, as in coturn');
  realms.update(NO_REALMS);
  lab.engine.realmsChanged();
  t.ok(isRate(through([lab], [() => caller.send(100)])[0], 5));
});

test('between two clients of one server each has its own rate', async (t) => {
  const lab = labWith({ user: RATE });
  const [alice, bob] = [lab.client(), lab.client({ user: 'bob' })];
  const [a, b] = [await alice.allocated(), await bob.allocated()];
  await alice.bind(CHANNEL, b);
  await bob.bind(CHANNEL, a);
  const [heard] = through(
    [lab],
    [
      () => {
        for (let packet = 0; packet < 100; packet++) alice.sendChannel(CHANNEL, DATA);
        return bob.take().length;
      },
    ],
  );
  t.ok(isRate(heard), `${heard} packets`);
  t.equal(bob.allocation?.overRateToClient, 0, 'alice has paid for the excess');
});

test('requests are never held up by a rate', async (t) => {
  const lab = labWith({ allocation: rate(1), user: rate(1), server: rate(1) });
  const caller = await Caller.open(lab, 5000);
  caller.send(100);
  t.equal((await caller.client.bind(0x4001, PEER_B)).type, 0x0109);
  t.equal((await caller.client.request(0x0004, [lifetime(700)])).type, 0x0104);
});

test('the observer hears of it when it begins and once a minute, with the limit that is exceeded', async (t) => {
  const lab = labWith({ allocation: NO_RATE, user: RATE });
  const caller = await Caller.open(lab, 5000);
  const heard = (): string[] => lab.observer.events.filter((event) => event.startsWith('over rate'));
  caller.send(51);
  await lab.advance(20);
  t.same(heard(), []);
  caller.send(151);
  await lab.advance(11);
  t.same(heard(), ['over rate 100 bytes of the user']);
  caller.send(61);
  await lab.advance(40);
  t.equal(heard().length, 1, 'not a minute yet');
  await lab.advance(30);
  t.same(heard()[1], 'over rate 10 bytes of the user');
  await lab.advance(120);
  t.equal(heard().length, 2, 'nothing more to tell');
});
