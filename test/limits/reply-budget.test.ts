import { test } from 'tap';
import { BudgetMemory } from '../../src/limits/budget-memory.ts';
import { type ReplyRates, SourceReplyBudget } from '../../src/limits/reply-budget.ts';
import { parseIp } from '../../src/stun/ip-address.ts';
import { TransportWords } from '../../src/stun/transport-address.ts';
import type { Clock, Random } from '../../src/turn/env.ts';

class TestClock implements Clock {
  milliseconds = 0;
  now(): number {
    return this.milliseconds;
  }
  wallTime(): number {
    return 0;
  }
}

/** Fixed seeds, so that every run sees the same collisions. */
const seeded = (seed: number): Random => ({ fill: (target) => target.fill(seed) });

const RATES: ReplyRates = { unauthenticatedRepliesPerSecond: 10, bindingRepliesPerSecond: 100 };

function budget(rates: ReplyRates = RATES, clock: Clock = new TestClock(), seed = 0x5a): SourceReplyBudget {
  return new SourceReplyBudget(rates, clock, BudgetMemory.ofOneProcess(seeded(seed)));
}

function source(text: string, port = 40_000): TransportWords {
  const words = new TransportWords();
  const ip = parseIp(text);
  if (ip === null) throw new Error(`no address: ${text}`);
  words.setTo(ip, port);
  return words;
}

/** Error answers granted when each of `clients` asks once. */
function errors(of: SourceReplyBudget, clients: Iterable<TransportWords>): number {
  let granted = 0;
  for (const client of clients) if (of.allowError(client)) granted++;
  return granted;
}

function repeat(count: number, make: (index: number) => TransportWords): TransportWords[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

test('S42, S20: one address gets ten error answers at once and then ten a second, whatever its ports', async (t) => {
  const clock = new TestClock();
  const limited = budget(RATES, clock);
  let granted = errors(
    limited,
    repeat(50, (index) => source('198.51.100.7', 1024 + index)),
  );
  t.equal(granted, 10);
  for (; clock.milliseconds < 10_000; clock.milliseconds++) {
    granted += errors(
      limited,
      repeat(10, (index) => source('198.51.100.7', 1024 + index)),
    );
  }
  t.ok(granted >= 105 && granted <= 110, `${granted} of 100,000 in ten seconds`);
});

test('a source that was refused is answered again later', async (t) => {
  const clock = new TestClock();
  const limited = budget(RATES, clock);
  t.equal(
    errors(
      limited,
      repeat(100, () => source('198.51.100.7')),
    ),
    10,
  );
  clock.milliseconds = 99;
  t.equal(limited.allowError(source('198.51.100.7')), false);
  clock.milliseconds = 100;
  t.equal(limited.allowError(source('198.51.100.7')), true);
  t.equal(limited.allowError(source('198.51.100.7')), false);
});

test('what a quiet source saves up is bounded', async (t) => {
  const clock = new TestClock();
  const limited = budget(RATES, clock);
  limited.allowError(source('198.51.100.7'));
  clock.milliseconds = 86_400_000;
  t.equal(
    errors(
      limited,
      repeat(100, () => source('198.51.100.7')),
    ),
    10,
  );
});

test('S42: a source elsewhere does not notice', async (t) => {
  const limited = budget();
  errors(
    limited,
    repeat(1000, () => source('198.51.100.7')),
  );
  t.equal(
    errors(
      limited,
      repeat(10, () => source('203.0.113.1')),
    ),
    10,
  );
  t.equal(
    errors(
      limited,
      repeat(10, () => source('2001:db8::1')),
    ),
    10,
  );
});

test('S42: a refused source uses up nothing of its neighbours', async (t) => {
  const limited = budget();
  errors(
    limited,
    repeat(1000, () => source('198.51.100.7')),
  );
  t.equal(
    errors(
      limited,
      repeat(10, () => source('198.51.100.8')),
    ),
    10,
  );
});

test('S42: all addresses of one IPv4 /24 get as much as eight, those of the next their own', async (t) => {
  const limited = budget();
  const carpet = repeat(2560, (index) => source(`198.51.100.${index % 256}`));
  t.equal(errors(limited, carpet), 80);
  t.equal(limited.allowError(source('198.51.101.1')), true);
});

test('S42: all addresses of one IPv6 /64 are one source', async (t) => {
  const limited = budget();
  const carpet = repeat(1000, (index) => source(`2001:db8:0:1:${index.toString(16)}::1`));
  t.equal(errors(limited, carpet), 10);
  t.equal(limited.allowError(source('2001:db8:0:2::1')), true);
});

test('S42: all /64s of one IPv6 /48 get as much as eight, those of the next their own', async (t) => {
  const limited = budget();
  const carpet = repeat(2560, (index) => source(`2001:db8:1:${(index % 256).toString(16)}::1`));
  t.equal(errors(limited, carpet), 80);
  t.equal(limited.allowError(source('2001:db8:2::1')), true);
});

test('S42: Binding has a budget of its own', async (t) => {
  const limited = budget();
  const client = source('198.51.100.7');
  const bindings = repeat(1000, () => client).filter((each) => limited.allowBinding(each)).length;
  t.equal(bindings, 100);
  t.equal(limited.allowError(client), true);
});

test('loopback is no exception', async (t) => {
  const limited = budget();
  t.equal(
    errors(
      limited,
      repeat(100, () => source('127.0.0.1')),
    ),
    10,
  );
  t.equal(
    errors(
      limited,
      repeat(100, () => source('::1')),
    ),
    10,
  );
});

test('a rate of 0 is no limit, for each kind by itself', async (t) => {
  const client = source('198.51.100.7');
  const noErrorLimit = budget({ ...RATES, unauthenticatedRepliesPerSecond: 0 });
  t.equal(
    errors(
      noErrorLimit,
      repeat(5000, () => client),
    ),
    5000,
  );
  t.equal(repeat(5000, () => client).filter((each) => noErrorLimit.allowBinding(each)).length, 100);
});

test('a low rate still lets a browser open its sockets at once', async (t) => {
  const limited = budget({ ...RATES, unauthenticatedRepliesPerSecond: 1 });
  t.equal(
    errors(
      limited,
      repeat(100, () => source('198.51.100.7')),
    ),
    10,
  );
});

test('S42: processes that share memory share the budgets', async (t) => {
  const memory = BudgetMemory.ofOneProcess(seeded(0x5a));
  const clock = new TestClock();
  const [one, other] = [new SourceReplyBudget(RATES, clock, memory), new SourceReplyBudget(RATES, clock, memory)];
  const granted = repeat(50, (index) => source('198.51.100.7', 1024 + index)).filter((client) =>
    (client.port % 2 === 0 ? one : other).allowError(client),
  );
  t.equal(granted.length, 10);
  t.ok(one.allowBinding(source('198.51.100.7')), 'Binding has tables of its own');
});

test('new rates hold at once', async (t) => {
  const limited = budget();
  limited.setRates({ ...RATES, unauthenticatedRepliesPerSecond: 25 });
  t.equal(
    errors(
      limited,
      repeat(100, () => source('198.51.100.7')),
    ),
    25,
  );
  limited.setRates({ ...RATES, unauthenticatedRepliesPerSecond: 0 });
  t.equal(
    errors(
      limited,
      repeat(100, () => source('198.51.100.7')),
    ),
    100,
  );
});

test('a flood from random sources leaves room for others', async (t) => {
  const clock = new TestClock();
  const limited = budget(RATES, clock);
  const flood = new TransportWords();
  flood.family = 4;
  let address = 1;
  let answered = 0;
  for (clock.milliseconds = 0; clock.milliseconds < 2000; clock.milliseconds++) {
    for (let packet = 0; packet < 100; packet++) {
      address = (Math.imul(address, 0x0019660d) + 0x3c6ef35f) | 0;
      flood.w3 = address;
      limited.allowError(flood);
    }
    if (clock.milliseconds % 200 === 0 && limited.allowError(source('198.51.100.7'))) answered++;
  }
  t.equal(answered, 10);
});

test('which sources share a bucket depends on the seed', async (t) => {
  // A rate so high that only the bucket which is used up on purpose runs dry.
  const rates = { unauthenticatedRepliesPerSecond: 1000, bindingRepliesPerSecond: 0 };
  const sharers = (seed: number): number[] => {
    const limited = budget(rates, new TestClock(), seed);
    errors(
      limited,
      repeat(1000, () => source('198.51.100.7')),
    );
    const other = new TransportWords();
    other.family = 4;
    const found: number[] = [];
    for (let network = 0; network < 500_000; network++) {
      other.w3 = network << 8;
      if (!limited.allowError(other)) found.push(network);
    }
    return found;
  };
  const first = sharers(1);
  t.ok(first.length > 0 && first.length < 30, `${first.length} of 500,000 networks share a bucket`);
  t.notSame(first, sharers(2));
});
