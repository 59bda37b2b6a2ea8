import { randomFillSync } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'tap';
import { drawPort, RelayPorts } from '../../src/planes/relay-ports.ts';
import { PortRequest, type Random } from '../../src/turn/env.ts';

const RANDOM: Random = { fill: (target) => void randomFillSync(target) };

/** Chi-square quantile for p = 1e-6 (Wilson and Hilferty): one false alarm in a million runs. */
function chiSquareLimit(degrees: number): number {
  const ninth = 2 / (9 * degrees);
  return degrees * (1 - ninth + 4.7534 * Math.sqrt(ninth)) ** 3;
}

function chiSquare(counts: readonly number[], expected: number): number {
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

test('S17: each free port of the range is drawn equally often', async (t) => {
  const pool = new RelayPorts(50_001, 50_255);
  const counts = new Map<number, number>();
  const rounds = 255 * 200;
  for (let round = 0; round < rounds; round++) {
    const port = drawPort([pool], PortRequest.ANY, RANDOM)?.port ?? -1;
    counts.set(port, (counts.get(port) ?? 0) + 1);
    pool.release(port);
  }
  t.equal(counts.size, 255);
  t.ok(Math.min(...counts.keys()) === 50_001 && Math.max(...counts.keys()) === 50_255, 'both ends belong to the range');
  t.ok(chiSquare([...counts.values()], 200) < chiSquareLimit(254));
});

test('S17: a port behind a long run of taken ones is not likelier than others', async (t) => {
  const pool = new RelayPorts(49_152, 49_251);
  const free = new Set([49_152, 49_153, 49_200, 49_250, 49_251]);
  for (let left = 100; left > 0; left--) pool.take(PortRequest.ANY, 0);
  for (const port of free) pool.release(port);
  const counts = new Map<number, number>();
  for (let round = 0; round < 5_000; round++) {
    const port = drawPort([pool], PortRequest.ANY, RANDOM)?.port ?? -1;
    counts.set(port, (counts.get(port) ?? 0) + 1);
    pool.release(port);
  }
  t.same(new Set(counts.keys()), free);
  t.ok(chiSquare([...counts.values()], 1_000) < chiSquareLimit(4));
});

test('S17: consecutive draws have no common difference', async (t) => {
  const pool = new RelayPorts(49_152, 65_535);
  const steps = new Map<number, number>();
  let last = 0;
  for (let round = 0; round < 2_000; round++) {
    const port = drawPort([pool], PortRequest.ANY, RANDOM)?.port ?? -1;
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
  t.equal(drawPort([new RelayPorts(50_000, 50_002)], PortRequest.ANY, random)?.port, 50_001);
  t.equal(values.length, 0);
});

test('several addresses share the draws by their free ports', async (t) => {
  const small = new RelayPorts(50_000, 50_009);
  const large = new RelayPorts(50_000, 50_089);
  let fromSmall = 0;
  for (let round = 0; round < 4_000; round++) {
    const draw = drawPort([small, large], PortRequest.ANY, RANDOM);
    if (draw?.pool === small) fromSmall++;
    draw?.pool.release(draw.port);
  }
  t.ok(chiSquare([fromSmall, 0], 400) - 400 < chiSquareLimit(1), `${fromSmall} of about 400`);
});

test('TURN-14: an even port is asked for and drawn, until only odd ones are left', async (t) => {
  const pool = new RelayPorts(50_001, 50_008);
  const drawn = [1, 2, 3, 4].map(() => drawPort([pool], PortRequest.EVEN, RANDOM)?.port ?? -1);
  t.same(drawn.sort(), [50_002, 50_004, 50_006, 50_008]);
  t.equal(drawPort([pool], PortRequest.EVEN, RANDOM), null);
  t.equal(pool.free, 4, 'the odd ports are still there');
});

test('TURN-15: a pair is an even port and its successor, both free and both inside the range', async (t) => {
  const pool = new RelayPorts(50_001, 50_034);
  const drawn = new Set<number>();
  for (;;) {
    const draw = drawPort([pool], PortRequest.EVEN_AND_NEXT, RANDOM);
    if (draw === null) break;
    drawn.add(draw.port);
  }
  t.same(
    [...drawn].sort(),
    Array.from({ length: 16 }, (_, index) => 50_002 + 2 * index),
  );
  t.equal(pool.free, 2, 'the first port and the last have no partner');
  pool.release(50_002);
  t.equal(drawPort([pool], PortRequest.EVEN_AND_NEXT, RANDOM), null, 'a lone even port is no pair');
  pool.release(50_003);
  t.equal(drawPort([pool], PortRequest.EVEN_AND_NEXT, RANDOM)?.port, 50_002);
});

test('the highest pair of all ports can be drawn', async (t) => {
  const pool = new RelayPorts(65_534, 65_535);
  t.equal(drawPort([pool], PortRequest.EVEN_AND_NEXT, RANDOM)?.port, 65_534);
  t.equal(pool.free, 0);
});

test('what is not taken, or outside the range, cannot be released', async (t) => {
  const pool = new RelayPorts(50_001, 50_010);
  for (const port of [50_000, 50_001, 50_011, 0, 65_535]) pool.release(port);
  t.equal(pool.free, 10);
  t.equal(pool.candidates(PortRequest.ANY), 10);
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
      const pool = new RelayPorts(min, min + size - 1);
      const held: number[] = [];
      for (const { request, release, drop } of steps) {
        const draw = drop ? null : drawPort([pool], request, RANDOM);
        if (draw !== null) held.push(draw.port);
        if (draw !== null && request === PortRequest.EVEN_AND_NEXT) held.push(draw.port + 1);
        if (drop && held.length > 0) pool.release(held.splice(release % held.length, 1)[0] as number);
        if (new Set(held).size !== held.length || pool.free !== size - held.length) return false;
      }
      for (const port of held) pool.release(port);
      const all = new Set<number>();
      for (let count = 0; count < size; count++) all.add(drawPort([pool], PortRequest.ANY, RANDOM)?.port ?? -1);
      return all.size === size && Math.min(...all) === min && pool.free === 0;
    }),
  );
  t.pass('no counterexample');
});
