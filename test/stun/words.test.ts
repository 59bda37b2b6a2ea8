import fc from 'fast-check';
import { test } from 'tap';
import { readWord, writeWord } from '../../src/stun/words.ts';

const word = fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0, 0x7fffffff, 0x80000000, 0xffffffff));

test('a word is read as the platform reads an int32', async (t) => {
  fc.assert(
    fc.property(word, fc.nat(4), (value, at) => {
      const buffer = Buffer.alloc(8, 0xee);
      buffer.writeUInt32BE(value, at);
      return readWord(buffer, at) === buffer.readInt32BE(at);
    }),
  );
  t.pass();
});

test('a word is written as the platform writes it, signed or not', async (t) => {
  fc.assert(
    fc.property(word, fc.nat(4), (value, at) => {
      const expected = Buffer.alloc(8, 0xee);
      expected.writeUInt32BE(value, at);
      return [value, value | 0].every((form) => {
        const buffer = Buffer.alloc(8, 0xee);
        writeWord(buffer, at, form);
        return buffer.equals(expected);
      });
    }),
  );
  t.pass();
});
