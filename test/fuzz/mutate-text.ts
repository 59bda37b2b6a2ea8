// Changes to text: characters, tokens of a dictionary, and lines.

import type { SeededRandom } from './random.ts';

/** What text a target reads. */
export interface Language {
  /** What means something in it. */
  readonly tokens: readonly string[];
  /** Text that only grows finds nothing more, only later. */
  readonly maxLength: number;
}

/** Mutates text a few times. */
export function mutateText(input: Buffer, other: Buffer, language: Language, random: SeededRandom): Buffer {
  const { tokens, maxLength } = language;
  let text = input.toString('utf8');
  const times = 1 + random.below(4);
  for (let i = 0; i < times; i++) text = mutateOnce(text, other.toString('utf8'), tokens, random);
  return Buffer.from(text.slice(0, maxLength), 'utf8');
}

function mutateOnce(text: string, other: string, tokens: readonly string[], random: SeededRandom): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.below(random.oneIn(3) ? 40 : 3));
  switch (random.below(7)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, end) + text.slice(at);
    case 2:
      return text.slice(0, at) + random.pick(tokens) + text.slice(at);
    case 3:
      return text.slice(0, at) + random.pick(tokens) + text.slice(end);
    case 4:
      return text.slice(0, at) + String.fromCodePoint(codePoint(random)) + text.slice(end);
    case 5:
      return text.slice(0, at) + other.slice(random.below(other.length + 1));
    default:
      return withLines(text, other, random);
  }
}

// No lone surrogates: they do not survive UTF-8.
function codePoint(random: SeededRandom): number {
  return random.oneIn(4) ? random.pick([0, 7, 0x85, 0xa0, 0x660, 0x2028, 0xfeff, 0xff11, 0x1f600]) : random.below(128);
}

function withLines(text: string, other: string, random: SeededRandom): string {
  const lines = text.split('\n');
  const donor = random.pick(random.oneIn(2) ? lines : other.split('\n'));
  const at = random.below(lines.length);
  return [...lines.slice(0, at), donor, ...lines.slice(at + random.below(2))].join('\n');
}
