// How a size in bytes is written.

import { test } from 'tap';
import { parseBytes } from '../../src/config/fields.ts';
import { configOf, parse } from './parse.ts';

test('a size is a number of bytes, with a unit or without', async (t) => {
  for (const [text, value] of [
    ['0', 0],
    ['536870912', 536_870_912],
    ['512K', 512 * 2 ** 10],
    ['512m', 512 * 2 ** 20],
    ['2G', 2 ** 31],
    ['2 GiB', 2 ** 31],
    ['1TB', 2 ** 40],
  ] as const) {
    t.same(parseBytes(text), { value }, text);
  }
  for (const text of ['', 'G', '-1', '1.5G', '5P', '9999999T', '1e3', '512 megabytes']) {
    t.ok('error' in parseBytes(text), text);
  }
});

test('R24 limits.memory is auto, none or a size, from a file and from the environment', async (t) => {
  const memory = (yaml: string) => configOf({ yaml }).limits.memory;
  t.equal(memory(''), 'auto');
  t.equal(memory('limits: {memory: 0}'), 0);
  t.equal(memory('limits: {memory: 1000}'), 1000);
  t.equal(memory('limits: {memory: 1G}'), 2 ** 30);
  t.equal(configOf({ yaml: '', env: { TURND_LIMITS__MEMORY: '512M' } }).limits.memory, 2 ** 29);
  t.equal(configOf({ yaml: '', env: { TURND_LIMITS__MEMORY: '4096' } }).limits.memory, 4096);
  const result = parse({ yaml: 'limits: {memory: lots}' });
  t.match(result, { ok: false, errors: [/limits\.memory/] });
});
