import { test } from 'tap';
import { opaqueString } from '../../src/stun/opaque-string.ts';

test('AUTH-27 every space that is not ASCII becomes U+0020', async (t) => {
  const spaces = '\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000';
  t.equal(opaqueString(`a${spaces}b`), `a${' '.repeat(spaces.length)}b`);
});

test('AUTH-27 composed and decomposed forms become one', async (t) => {
  t.equal(opaqueString('re\u0301alm'), 'r\u00e9alm');
  t.equal(opaqueString('\u1112\u1161\u11ab'), '\ud55c', 'also modern Hangul');
});

test('AUTH-27 case, width and compatibility forms are kept', async (t) => {
  for (const text of ['ReAlM', '\uff21\uff22', '\u2168', '\u00aa', 'correct horse', ' padded ', '\u{1f600}']) {
    t.equal(opaqueString(text), text);
  }
});

test('AUTH-27 an empty result is invalid', async (t) => {
  t.equal(opaqueString(''), null);
});

test('AUTH-27 controls and other forbidden characters are invalid', async (t) => {
  const forbidden = [
    '\u0000',
    '\u001f',
    '\u007f',
    '\u009f',
    '\u00ad',
    '\u034f',
    '\u1100',
    '\ua960',
    '\ud7b0',
    '\u200b',
    '\u200c',
    '\u200d',
    '\u2028',
    '\u2029',
    '\ud800',
    '\ue000',
    '\ufeff',
    '\uffff',
    '\u0378',
  ];
  for (const one of forbidden) t.equal(opaqueString(`a${one}b`), null, `U+${one.charCodeAt(0).toString(16)}`);
});

test('preparing twice changes nothing', async (t) => {
  const once = opaqueString('e\u0301\u3000x');
  t.equal(opaqueString(once ?? ''), once);
});
