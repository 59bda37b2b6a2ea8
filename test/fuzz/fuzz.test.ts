// The fuzzer itself is on trial: it must find what is planted, repeat itself, and judge rightly.

import { test } from 'tap';
import { readCorpus } from './corpus.ts';
import { Fuzzer, shrink, tryInput } from './fuzzer.ts';
import { mutateMessage, splitMessage } from './mutate-message.ts';
import { expect, type Target } from './target.ts';
import { TARGETS } from './targets/all.ts';
import { messageSeeds } from './targets/message.ts';

/** A parser that throws on one attribute value of the dictionary, once LIFETIME and a second attribute are there. */
const planted: Target = {
  name: 'planted',
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
  return { name: 'recorder', seeds: messageSeeds, mutate: mutateMessage, run, inputs };
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
  test(`${target.name}: seeds, corpus and a few mutations pass, and do the same again`, async (t) => {
    const corpus = readCorpus(target.name);
    t.ok(corpus.length > 0, 'there is a corpus');
    const limits = { seconds: Infinity, inputs: target.seeds().length + corpus.length + 50 };
    const first = await new Fuzzer(target, 3).run(corpus, limits);
    t.equal(first.find?.error ?? null, null, first.find?.input.toString('hex') ?? 'no find');
    const again = await new Fuzzer(target, 3).run(corpus, limits);
    t.equal(again.executions, first.executions);
    t.equal(again.features, first.features);
  });
}

test('a target that throws later is seen to fail', async (t) => {
  const late: Target = { ...planted, run: async () => Promise.reject(new Error('late')) };
  const { error } = await tryInput(late, Buffer.alloc(0), () => {});
  t.match(error, { message: 'late' });
});
