// What the engine targets run: a variant of the server and a list of steps, as bytes. Any bytes are a program.
//
// program = variant(8) { who(8) how(8) length(16) bytes(length) }

import { NUMBERS } from '../dictionary.ts';
import { mutateBytes, mutateChannelData } from '../mutate-bytes.ts';
import { mutateMessage } from '../mutate-message.ts';
import type { SeededRandom } from '../random.ts';

/** One thing that somebody does. */
export interface Step {
  /** Which client or peer; what it means is the target's. */
  readonly who: number;
  /** Flags of the target. */
  readonly how: number;
  readonly bytes: Buffer;
}

/** What is run against one fresh server. */
export interface Program {
  readonly variant: number;
  readonly steps: readonly Step[];
}

const STEP_HEADER = 4;
const MAX_STEPS = 40;
const MAX_STEP = 0xffff;

export function encodeProgram({ variant, steps }: Program): Buffer {
  return Buffer.concat([Buffer.from([variant]), ...steps.flatMap(encodeStep)]);
}

function encodeStep({ who, how, bytes }: Step): Buffer[] {
  return [Buffer.from([who, how, bytes.length >> 8, bytes.length & 0xff]), bytes];
}

/** The last step ends where the input does. */
export function decodeProgram(input: Buffer): Program {
  const steps: Step[] = [];
  for (let at = 1; at + STEP_HEADER <= input.length && steps.length < MAX_STEPS; ) {
    const start = at + STEP_HEADER;
    const end = Math.min(input.length, start + input.readUInt16BE(at + 2));
    steps.push({ who: input.readUInt8(at), how: input.readUInt8(at + 1), bytes: input.subarray(start, end) });
    at = end;
  }
  return { variant: input[0] ?? 0, steps };
}

/** Mutates a program: its steps' order and number, and mostly the bytes of one or two. */
export function mutateProgram(input: Buffer, other: Buffer, random: SeededRandom): Buffer {
  const program = decodeProgram(input);
  const donor = decodeProgram(other);
  const variant = random.oneIn(8) ? random.below(256) : program.variant;
  let steps: readonly Step[] = program.steps.length === 0 ? donor.steps : program.steps;
  const times = 1 + random.below(3);
  for (let i = 0; i < times; i++)
    steps = random.oneIn(3) ? rearranged(steps, donor.steps, random) : withMutated(steps, donor.steps, random);
  return encodeProgram({ variant, steps: steps.slice(-MAX_STEPS) });
}

function rearranged(steps: readonly Step[], donors: readonly Step[], random: SeededRandom): readonly Step[] {
  const at = random.below(steps.length + 1);
  const end = at + 1 + random.below(3);
  switch (random.below(4)) {
    case 0:
      return [...steps.slice(0, at), ...steps.slice(end)];
    case 1:
      return [...steps.slice(0, end), ...steps.slice(at)];
    case 2:
      return [...steps.slice(0, at), ...donors.slice(random.below(donors.length + 1)), ...steps.slice(at)];
    default:
      return [...steps, ...donors];
  }
}

function withMutated(steps: readonly Step[], donors: readonly Step[], random: SeededRandom): readonly Step[] {
  const at = random.below(steps.length);
  const donor = donors.length === 0 ? Buffer.alloc(0) : random.pick(donors).bytes;
  return steps.map((step, index) => (index === at ? mutatedStep(step, donor, random) : step));
}

function mutatedStep(step: Step, donor: Buffer, random: SeededRandom): Step {
  const who = random.oneIn(6) ? random.below(256) : step.who;
  const how = random.oneIn(4) ? step.how ^ (1 << random.below(8)) : step.how;
  if (random.oneIn(8)) return { who, how, bytes: step.bytes };
  return { who, how, bytes: mutatedBytes(step.bytes, donor, random).subarray(0, MAX_STEP) };
}

function mutatedBytes(bytes: Buffer, donor: Buffer, random: SeededRandom): Buffer {
  if (random.oneIn(50)) return Buffer.concat([bytes, Buffer.alloc(0xffff, 0x5a)], random.pick(NUMBERS));
  const first = bytes[0] ?? 0;
  if (random.oneIn(5)) return mutateBytes(bytes, donor, random);
  return first < 4 ? mutateMessage(bytes, donor, random) : mutateChannelData(bytes, donor, random);
}
