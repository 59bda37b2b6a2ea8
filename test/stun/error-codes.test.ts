import { test } from 'tap';
import { ErrorCode, reasonPhrase } from '../../src/stun/error-codes.ts';
import { compareWithRegistry, readRegistry } from '../support/iana.ts';

test('error codes are those of the IANA registry, both ways', async (t) => {
  t.strictSame(compareWithRegistry(ErrorCode, 'stun-error-codes'), { foreign: [], lacking: [] });
});

test('STUN-27 reason phrases are those of the IANA registry', async (t) => {
  for (const [code, phrase] of readRegistry('stun-error-codes')) t.equal(reasonPhrase(code), phrase);
  t.equal(reasonPhrase(499), '');
});
