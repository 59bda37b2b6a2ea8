// Foreign text in one line of a log or terminal.

import { test } from 'tap';
import { escapeText, quoteText } from '../src/escape-text.ts';

test('characters that break lines, steer terminals or reorder text become visible', async (t) => {
  t.equal(
    escapeText('a\r\n\u001b[31m\u0000\u007f\u0085\u2028\u202e\ufeff'),
    'a\\u000d\\u000a\\u001b[31m\\u0000\\u007f\\u0085\\u2028\\u202e\\ufeff',
  );
  t.equal(escapeText('\ud800x\udfff'), '\\ud800x\\udfff', 'lone surrogates');
});

test('all other text stays as it is', async (t) => {
  const text = 'Zoë 漢字 😀 "quoted" \\ back';
  t.equal(escapeText(text), text);
});

test('quoted text stays on its line too', async (t) => {
  t.equal(quoteText('a "b"\n\u2028'), '"a \\"b\\"\\n\\u2028"');
});
