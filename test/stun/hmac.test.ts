// Our HMAC against node:crypto's, over keys, heads and slices of all lengths.

import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'tap';
import { hmac } from '../../src/stun/hmac.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

test('an HMAC is what node:crypto makes of the same bytes', async () => {
  fc.assert(
    fc.property(
      fc.constantFrom('sha1' as const, 'sha256' as const),
      bytes(64),
      bytes(40),
      bytes(300),
      fc.nat(300),
      (algorithm, key, head, buffer, from) => {
        const start = Math.min(from, buffer.length);
        const expected = createHmac(algorithm, key).update(head).update(buffer.subarray(start)).digest();
        return hmac(algorithm, key, head, buffer, start, buffer.length).equals(expected);
      },
    ),
    { numRuns: 2000 },
  );
});

test('a key that is longer than a block is refused: nobody has one', async (t) => {
  t.throws(() => hmac('sha1', Buffer.alloc(65), Buffer.alloc(20), Buffer.alloc(0), 0, 0), RangeError);
});
