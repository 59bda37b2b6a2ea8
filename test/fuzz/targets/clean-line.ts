// What a message for an operator must be, whatever it is about: one line that a terminal shows as it is (S56).

import { expect } from '../target.ts';

/** Throws unless a text is one line without control characters. */
export function expectCleanLine(line: string): void {
  expect(line !== '', 'an empty message');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(!/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(line), `not one clean line: ${JSON.stringify(line)}`);
}

/** What a message says, without names, numbers and the like: for features. */
export function formOfLine(line: string): string {
  return line.replace(/"(?:[^"\\]|\\.)*"|\d+/g, '_').slice(0, 60);
}
