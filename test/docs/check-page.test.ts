// docs/check.html as a file: what it promises without being opened.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { CHECK_PAGE_FILE } from '../support/check-page.ts';

const html = readFileSync(CHECK_PAGE_FILE, 'utf8');
const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? '';

function hashOf(element: 'script' | 'style'): string {
  const content = new RegExp(`<${element}[^>]*>([\\s\\S]*?)</${element}>`).exec(html)?.[1] ?? '';
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}

test('the check page allows its own script and style only, by hash', async (t) => {
  t.match(policy, /(^|; )default-src 'none'(;|$)/);
  t.equal(/script-src ([^;]*)/.exec(policy)?.[1], hashOf('script'), 'script-src in docs/check.html');
  t.equal(/style-src ([^;]*)/.exec(policy)?.[1], hashOf('style'), 'style-src in docs/check.html');
});

test('the check page loads nothing and writes no markup from strings', async (t) => {
  t.notMatch(html, /\b(?:src|href)="(?!data:)/, 'no element names another resource');
  t.notMatch(html, /\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|\bimport\b|@import|url\(/, 'no request');
  t.notMatch(
    html,
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/,
    'no markup, no eval',
  );
});
