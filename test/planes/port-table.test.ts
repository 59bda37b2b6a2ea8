import fc from 'fast-check';
import { test } from 'tap';
import { MAX_PORT_WORKERS, type PortDraw, PortOwner, PortTable, workerOwner } from '../../src/planes/port-table.ts';
import { PortRequest, type Random } from '../../src/turn/env.ts';
import { Prng } from '../simulation/prng.ts';

const OTHER = 7;

/** Chi-square quantile for p = 1e-6 (Wilson and Hilferty). */
function chiSquareLimit(degrees: number): number {
  const ninth = 2 / (9 * degrees);
  return degrees * (1 - ninth + 4.7534 * Math.sqrt(ninth)) ** 3;
}

function chiSquare(counts: readonly number[], expected: number): number {
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

function seeded(seed: number): Random {
  const prng = new Prng(seed);
  return { fill: (target) => void target.set(prng.bytes(target.length)) };
}

/** A table of one process, its bytes, and short forms for its first row. */
class Lab {
  readonly bytes: Uint8Array;
  readonly table: PortTable;
  readonly random: Random;
  readonly rows: readonly number[];

  constructor(minPort: number, maxPort: number, rows = 1) {
    this.bytes = new Uint8Array(PortTable.byteLength(rows));
    this.table = new PortTable({ bytes: this.bytes, owner: PortOwner.FIRST_WORKER, minPort, maxPort });
    this.random = seeded(minPort * 31 + maxPort);
    this.rows = Array.from({ length: rows }, (_, row) => row);
  }

  draw(request: PortRequest = PortRequest.ANY): PortDraw | null {
    return this.table.draw(this.rows, request, this.random);
  }

  /** The port of a draw; -1 for none. */
  port(request: PortRequest = PortRequest.ANY): number {
    return this.draw(request)?.port ?? -1;
  }

  release(port: number): void {
    this.table.release(0, port);
  }

  get free(): number {
    return this.table.free(0);
  }

  /** Draws and gives back, and counts how often each port came. */
  countDraws(rounds: number, request: PortRequest = PortRequest.ANY): Map<number, number> {
    const counts = new Map<number, number>();
    for (let round = 0; round < rounds; round++) {
      const port = this.port(request);
      counts.set(port, (counts.get(port) ?? 0) + 1);
      this.release(port);
      if (request === PortRequest.EVEN_AND_NEXT) this.release(port + 1);
    }
    return counts;
  }
}

function numbers(first: number, step: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + step * index);
}

function ascending(values: Iterable<number>): number[] {
  return [...values].sort((a, b) => a - b);
}

test('S17: each free port of the range is drawn equally often', async (t) => {
  const counts = new Lab(50_001, 50_255).countDraws(255 * 200);
  t.same(ascending(counts.keys()), numbers(50_001, 1, 255), 'both ends belong to the range');
  t.ok(chiSquare([...counts.values()], 200) < chiSquareLimit(254));
});

test('S17: so is each even port, and each pair', async (t) => {
  for (const request of [PortRequest.EVEN, PortRequest.EVEN_AND_NEXT]) {
    const counts = new Lab(50_001, 50_201).countDraws(100 * 200, request);
    t.same(ascending(counts.keys()), numbers(50_002, 2, 100));
    t.ok(chiSquare([...counts.values()], 200) < chiSquareLimit(99));
  }
});

test('S17: a port behind a long run of taken ones is not likelier than others', async (t) => {
  const lab = new Lab(49_152, 49_251);
  const free = [49_152, 49_153, 49_200, 49_250, 49_251];
  lab.bytes.fill(OTHER);
  for (const port of free) lab.bytes[port] = PortOwner.FREE;
  const counts = lab.countDraws(5_000);
  t.same(ascending(counts.keys()), free);
  t.ok(chiSquare([...counts.values()], 1_000) < chiSquareLimit(4));
});

test('S17: nor are the last free ports of a range in which guesses miss', async (t) => {
  const lab = new Lab(49_152, 65_535);
  const free = [49_152, 49_153, 60_000, 65_534, 65_535];
  lab.bytes.fill(OTHER);
  for (const port of free) lab.bytes[port] = PortOwner.FREE;
  const counts = lab.countDraws(1_000);
  t.same(ascending(counts.keys()), free);
  t.ok(chiSquare([...counts.values()], 200) < chiSquareLimit(4));
});

test('S17: consecutive draws have no common difference', async (t) => {
  const lab = new Lab(49_152, 65_535);
  const steps = new Map<number, number>();
  let last = 0;
  for (let round = 0; round < 2_000; round++) {
    const port = lab.port();
    steps.set(port - last, (steps.get(port - last) ?? 0) + 1);
    last = port;
  }
  t.ok(Math.max(...steps.values()) < 10, 'no step is frequent');
});

test('the random source is read without bias', async (t) => {
  // 2^32 mod 3 = 1: the one value of the incomplete last multiple must be drawn again.
  const values = [0xffffffff, 4];
  const random: Random = {
    fill: (target) => new DataView(target.buffer, target.byteOffset).setUint32(0, values.shift() ?? 0, true),
  };
  t.equal(new Lab(50_000, 50_002).table.draw([0], PortRequest.ANY, random)?.port, 50_001);
  t.equal(values.length, 0);
});

test('S17: each free port of each address is drawn equally often', async (t) => {
  const lab = new Lab(50_000, 50_049, 2);
  const counts = new Map<string, number>();
  for (let round = 0; round < 100 * 200; round++) {
    const { row, port } = lab.draw() as PortDraw;
    counts.set(`${row}:${port}`, (counts.get(`${row}:${port}`) ?? 0) + 1);
    lab.table.release(row, port);
  }
  t.equal(counts.size, 100);
  t.ok(chiSquare([...counts.values()], 200) < chiSquareLimit(99));
});

test('several addresses share the draws by their free ports, and rows that are not asked for give none', async (t) => {
  const lab = new Lab(50_000, 50_089, 3);
  lab.bytes.fill(OTHER, 50_010, 50_090);
  let fromSmall = 0;
  let fromAsked = 0;
  for (let round = 0; round < 4_000; round++) {
    const draw = lab.table.draw([0, 2], PortRequest.ANY, lab.random);
    if (draw?.row === 0) fromSmall++;
    if (draw !== null && draw.row !== 1) fromAsked++;
    if (draw !== null) lab.table.release(draw.row, draw.port);
  }
  const deviation = (fromSmall - 400) ** 2 * (1 / 400 + 1 / 3_600);
  t.ok(deviation < chiSquareLimit(1), `${fromSmall} of about 400`);
  t.equal(fromAsked, 4_000);
  t.same([lab.table.free(0), lab.table.free(1), lab.table.free(2)], [10, 90, 90]);
});

test('every port of the range can be held, each once', async (t) => {
  for (const [min, max] of [
    [49_152, 65_535],
    [50_001, 50_001],
    [1_024, 1_027],
  ] as const) {
    const lab = new Lab(min, max);
    const drawn = numbers(0, 0, max - min + 1).map(() => lab.port());
    t.same(ascending(drawn), numbers(min, 1, max - min + 1));
    t.equal(lab.draw(), null);
    t.equal(lab.free, 0);
  }
});

test('TURN-14: an even port is asked for and drawn, until only odd ones are left', async (t) => {
  const lab = new Lab(50_001, 50_008);
  t.same(ascending([1, 2, 3, 4].map(() => lab.port(PortRequest.EVEN))), [50_002, 50_004, 50_006, 50_008]);
  t.equal(lab.draw(PortRequest.EVEN), null);
  t.equal(lab.free, 4, 'the odd ports are still there');
});

test('TURN-15: a pair is an even port and its successor, both free and both inside the range', async (t) => {
  const lab = new Lab(50_001, 50_034);
  const drawn = numbers(0, 0, 16).map(() => lab.port(PortRequest.EVEN_AND_NEXT));
  t.same(ascending(drawn), numbers(50_002, 2, 16));
  t.equal(lab.draw(PortRequest.EVEN_AND_NEXT), null);
  t.same([lab.table.ownerOf(0, 50_001), lab.table.ownerOf(0, 50_034)], [PortOwner.FREE, PortOwner.FREE]);
  lab.release(50_002);
  t.equal(lab.draw(PortRequest.EVEN_AND_NEXT), null, 'a lone even port is no pair');
  t.equal(lab.free, 3, 'and stays free');
  lab.release(50_003);
  t.equal(lab.port(PortRequest.EVEN_AND_NEXT), 50_002);
});

test('a range of one port, or of an odd and an even one, holds no pair', async (t) => {
  for (const [min, max] of [
    [50_000, 50_000],
    [50_001, 50_002],
    [50_001, 50_001],
  ] as const) {
    const lab = new Lab(min, max);
    t.equal(lab.draw(PortRequest.EVEN_AND_NEXT), null);
    t.equal(lab.free, max - min + 1);
  }
  t.equal(new Lab(50_001, 50_001).draw(PortRequest.EVEN), null);
  t.equal(new Lab(65_534, 65_535).port(PortRequest.EVEN_AND_NEXT), 65_534, 'the highest pair of all');
  t.equal(new PortTable({ bytes: new Uint8Array(0), owner: 1, minPort: 1, maxPort: 2 }).draw([], 0, seeded(1)), null);
});

test('a pair whose second port another process takes meanwhile is given back whole', async (t) => {
  const lab = new Lab(50_000, 50_001);
  lab.bytes[50_001] = OTHER;
  t.equal(lab.draw(PortRequest.EVEN_AND_NEXT), null);
  t.same([lab.bytes[50_000], lab.bytes[50_001]], [PortOwner.FREE, OTHER]);
});

test('only what this process holds can be given back or handed over', async (t) => {
  const lab = new Lab(50_001, 50_010);
  for (const port of [0, 50_000, 50_001, 50_011, 65_535]) lab.release(port);
  t.ok(lab.bytes.every((owner) => owner === PortOwner.FREE));
  lab.bytes[50_005] = OTHER;
  lab.release(50_005);
  t.equal(lab.table.setOwner(0, 50_005, PortOwner.MAIN), false);
  t.equal(lab.table.setOwner(0, 50_006, PortOwner.MAIN), false, 'a free port has nobody to hand it over');
  t.same([lab.table.ownerOf(0, 50_005), lab.free], [OTHER, 9]);
});

test('a reserved port goes to the main process and from there to whom redeems it', async (t) => {
  const bytes = new Uint8Array(PortTable.byteLength(2));
  const of = (owner: number) => new PortTable({ bytes, owner, minPort: 50_000, maxPort: 50_001 });
  const [first, second, main] = [of(workerOwner(0)), of(workerOwner(1)), of(PortOwner.MAIN)];
  t.equal(first.draw([1], PortRequest.EVEN_AND_NEXT, seeded(1))?.port, 50_000);
  t.ok(first.setOwner(1, 50_001, PortOwner.MAIN));
  first.release(1, 50_001);
  t.equal(first.ownerOf(1, 50_001), PortOwner.MAIN, 'the giver has nothing to give back any more');
  t.ok(main.setOwner(1, 50_001, workerOwner(1)));
  t.equal(second.draw([1], PortRequest.ANY, seeded(1)), null);
  second.release(1, 50_001);
  t.same([main.free(0), main.free(1)], [2, 1]);
});

test('the ports of an ended process come back, and only they', async (t) => {
  const lab = new Lab(50_000, 50_009, 2);
  for (let count = 0; count < 8; count++) lab.draw();
  lab.bytes[40_000] = OTHER; // held before the range was changed
  lab.bytes[65_536 + 50_003] = OTHER;
  lab.bytes[50_004] = PortOwner.MAIN;
  const mine = lab.bytes.filter((owner) => owner === PortOwner.FIRST_WORKER).length;
  t.equal(lab.table.releaseAll(OTHER), 2);
  t.equal(lab.bytes.filter((owner) => owner !== PortOwner.FREE).length, mine + 1);
  t.equal(lab.table.releaseAll(PortOwner.FIRST_WORKER), mine);
  t.equal(lab.table.ownerOf(0, 50_004), PortOwner.MAIN);
});

test('R15 another range holds for new draws; what is held outside of it stays held and comes back', async (t) => {
  const lab = new Lab(50_000, 50_001);
  const old = lab.port();
  lab.table.setRange(50_010, 50_011);
  t.equal(lab.free, 2);
  t.same([lab.port(), lab.port()].sort(), [50_010, 50_011]);
  t.equal(lab.port(), -1);
  t.equal(lab.table.ownerOf(0, old), PortOwner.FIRST_WORKER);
  lab.release(old);
  t.equal(lab.table.ownerOf(0, old), PortOwner.FREE);
});

test('a mark is no owner, and every process sees it', async (t) => {
  const lab = new Lab(50_000, 50_000, 2);
  lab.table.mark(1, 50_000, OTHER);
  t.equal(lab.free, 1);
  t.equal(lab.table.releaseAll(OTHER), 0);
  const another = new PortTable({ bytes: lab.bytes, owner: OTHER, minPort: 1, maxPort: 2 });
  t.same([another.markOf(0, 50_000), another.markOf(1, 50_000)], [0, OTHER]);
});

test('workers have owner bytes of their own', async (t) => {
  const owners = numbers(0, 1, MAX_PORT_WORKERS).map(workerOwner);
  t.equal(new Set(owners).size, 253);
  t.ok(owners.every((owner) => owner !== PortOwner.FREE && owner !== PortOwner.MAIN && owner < 256));
  t.throws(() => workerOwner(MAX_PORT_WORKERS), RangeError);
  t.throws(() => workerOwner(-1), RangeError);
});

test('S49: after any sequence of draws and releases every port can be drawn again, once', async (t) => {
  const step = fc.record({
    request: fc.constantFrom(PortRequest.ANY, PortRequest.EVEN, PortRequest.EVEN_AND_NEXT),
    release: fc.nat(),
    drop: fc.boolean(),
  });
  const range = fc.record({ min: fc.integer({ min: 1024, max: 65_400 }), size: fc.integer({ min: 1, max: 130 }) });
  fc.assert(
    fc.property(range, fc.array(step, { maxLength: 400 }), ({ min, size }, steps) => {
      const lab = new Lab(min, min + size - 1);
      const held: number[] = [];
      for (const { request, release, drop } of steps) {
        const port = drop ? -1 : lab.port(request);
        if (port >= 0) held.push(port);
        if (port >= 0 && request === PortRequest.EVEN_AND_NEXT) held.push(port + 1);
        if (drop && held.length > 0) lab.release(held.splice(release % held.length, 1)[0] as number);
        if (new Set(held).size !== held.length || lab.free !== size - held.length) return false;
      }
      for (const port of held) lab.release(port);
      const all = new Set<number>();
      for (let count = 0; count < size; count++) all.add(lab.port());
      return all.size === size && Math.min(...all) === min && lab.free === 0;
    }),
  );
  t.pass('no counterexample');
});
