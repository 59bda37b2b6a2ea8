// The fuzzer itself is on trial: it must find what is planted, repeat itself, and judge rightly.

import { test } from 'tap';
import type { CodeCoverage } from './code-coverage.ts';
import { readCorpus } from './corpus.ts';
import { Fuzzer, shrink, tryInput } from './fuzzer.ts';
import { mutateMessage, splitMessage } from './mutate-message.ts';
import type { SeededRandom } from './random.ts';
import { expect, type Target } from './target.ts';
import { TARGETS } from './targets/all.ts';
import { messageSeeds } from './targets/message.ts';

/** A parser that throws on one attribute value of the dictionary, once LIFETIME and a second attribute are there. */
const planted: Target = {
  name: 'planted',
  code: [],
  seeds: messageSeeds,
  mutate: mutateMessage,
  run: (input, notice) => {
    const { attributes } = splitMessage(input);
    for (const one of attributes) {
      if (one.length >= 2) notice(`has ${one.readUInt16BE(0)}`);
      expect(one.toString('hex') !== '000d00047fffffff' || attributes.length < 2, 'planted');
    }
    return 1;
  },
};

/** A target that only writes down its inputs. */
function recorder(): Target & { readonly inputs: string[] } {
  const inputs: string[] = [];
  const run = (input: Buffer): number => inputs.push(input.toString('hex'));
  return { name: 'recorder', code: [], seeds: messageSeeds, mutate: mutateMessage, run, inputs };
}

async function inputsOf(seed: number): Promise<string[]> {
  const target = recorder();
  await new Fuzzer(target, seed).run([], { seconds: Infinity, inputs: 500 });
  return target.inputs;
}

test('a planted fault is found', async (t) => {
  const { find } = await new Fuzzer(planted, 1).run([], { seconds: Infinity, inputs: 200_000 });
  t.match(find?.error, { message: 'planted' });
});

test('a find is shortened to what it takes', async (t) => {
  const needle = Buffer.from('needle');
  const failing: Target = {
    ...planted,
    run: (input) => {
      expect(!input.includes(needle), 'found');
      return 1;
    },
  };
  const hay = Buffer.alloc(3001, 'hay');
  t.same(await shrink(failing, Buffer.concat([hay, needle, hay])), needle);
});

test('the same seed gives the same inputs, and another seed others', async (t) => {
  const first = await inputsOf(7);
  t.equal(first.length, 500);
  t.strictSame(await inputsOf(7), first);
  t.notSame(await inputsOf(8), first);
});

test('inputs that make something new happen are kept and mutated further', async (t) => {
  const lengths: Target = {
    name: 'lengths',
    code: [],
    seeds: () => [Buffer.from('a')],
    mutate: (input) => Buffer.concat([input, Buffer.from('a')]),
    run: (input, notice) => {
      notice(`${input.length}`);
      return 1;
    },
  };
  const { kept, features, find } = await new Fuzzer(lengths, 1).run([], { seconds: Infinity, inputs: 200 });
  t.equal(find, null);
  t.equal(kept.length, features);
  t.ok(features > 20, `${features}`);
});

for (const target of TARGETS) {
  test(`R2 ${target.name}: seeds, corpus and a few mutations pass`, async (t) => {
    const corpus = readCorpus(target.name);
    t.ok(corpus.length > 0, 'there is a corpus');
    const limits = { seconds: Infinity, inputs: target.seeds().length + corpus.length + 30 };
    const { find } = await new Fuzzer(target, 3).run(corpus, limits);
    t.equal(find?.error ?? null, null, find?.input.toString('hex') ?? 'no find');
  });

  test(`${target.name}: the same input makes the same happen`, async (t) => {
    const seeds = target.seeds();
    for (const at of [0, seeds.length >> 1, seeds.length - 1]) {
      const input = seeds[at] as Buffer;
      const [first, again] = [await featuresOf(target, input), await featuresOf(target, input)];
      t.strictSame(again, first);
    }
  });
}

async function featuresOf(target: Target, input: Buffer): Promise<readonly string[]> {
  const features: string[] = [];
  await tryInput(target, input, (feature) => void features.push(feature));
  return features;
}

test('inputs that reach new code are kept, though the target notices nothing', async (t) => {
  const seeds = [Buffer.from('a')];
  const mutate = (_: Buffer, __: Buffer, random: SeededRandom): Buffer => random.bytes(2);
  const blind: Target = { name: 'blind', code: [], seeds: () => seeds, mutate, run: () => 1 };
  const script = (input: Buffer): Uint8Array =>
    Uint8Array.from([1, Number((input[0] ?? 0) >= 0x80), Number(input[1] === 7)]);
  const ran: Buffer[] = [];
  const counting: Target = { ...blind, run: (input) => ran.push(input) };
  const take = (): Map<string, Uint8Array> => {
    const all = ran.splice(0).map(script);
    return new Map([['file', Uint8Array.from([0, 1, 2], (at) => Math.max(0, ...all.map((one) => one[at] ?? 0)))]]);
  };
  const coverage = { take } as unknown as CodeCoverage;
  const { kept, coverage: share } = await new Fuzzer(counting, 1, coverage).run([], {
    seconds: Infinity,
    inputs: 5000,
  });
  t.equal(kept.length, 3);
  t.ok(kept.some((input) => (input[0] ?? 0) >= 0x80) && kept.some((input) => input[1] === 7));
  t.equal(share, 1);
});

test('a target that throws later is seen to fail', async (t) => {
  const late: Target = { ...planted, run: async () => Promise.reject(new Error('late')) };
  const { error } = await tryInput(late, Buffer.alloc(0), () => {});
  t.match(error, { message: 'late' });
});
