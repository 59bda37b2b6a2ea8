// What users paste into the check page, and what the page shows of it.

import { test } from 'tap';
import { openCheckPage } from '../../support/check-page.ts';
import { chromiumProgram, launchChromium } from '../../support/chromium.ts';

const TARGET = { url: 'turn:host', username: 'a', credential: 'b' };

const READABLE = [
  ['JSON', '{"iceServers":[{"urls":["turn:host"],"username":"a","credential":"b"}]}'],
  ['a list with unquoted keys and trailing commas', "[{ urls: ['turn:host',], username: 'a', credential: 'b', },]"],
  ['a single entry', "{ urls: 'turn:host', username: 'a', credential: 'b' }"],
  ['a statement', "const config = { iceServers: [{ urls: 'turn:host', username: 'a', credential: 'b' }] };"],
  ['a call', "new RTCPeerConnection({ iceServers: [{ urls: 'turn:host', username: 'a', credential: 'b' }] });"],
  ['a property', "iceServers: [{ urls: 'turn:host', username: 'a', credential: 'b' }],"],
  ['comments', "[ // relay\n { urls: 'turn:host', /* x */ username: 'a', credential: 'b' } ]"],
  ['escapes', '{ urls: "turn:\\u0068ost", username: "\\x61", credential: `b` }'],
] as const;

const UNREADABLE = [
  ['nothing', '  ', 'Line 1, column 1: nothing is pasted yet'],
  [
    'a missing comma',
    '{\n  urls: "turn:host"\n  username: "a" }',
    'Line 3, column 3: expected “,” or “}” but found “u”',
  ],
  ['an open string', "{ urls: 'turn:host }", 'Line 1, column 9: this string is not closed'],
  ['a variable', "{ urls: 'turn:host', username: user }", 'Line 1, column 32: “user” is a variable'],
  ['curly quotes', '{ urls: “turn:host” }', 'replace it with a straight one'],
  ['a bare URL in a list', '[turn:host]', 'a URL needs quotation marks'],
  ['an open list', "[{ urls: 'turn:host' }", 'expected “,” or “]” but found the end of the text'],
  ['no urls', "[{ username: 'a' }]", 'iceServers[0] has no “urls”'],
  ['an empty list', '{ iceServers: [] }', 'The list of iceServers is empty'],
] as const;

test('pasting into the check page', { skip: chromiumProgram.skip, timeout: 60_000 }, async (t) => {
  const browser = await launchChromium();
  t.teardown(() => browser.close());
  const page = await openCheckPage(browser);
  t.teardown(() => page.close());

  for (const [name, text] of READABLE) {
    await t.test(`${name} is read`, async (t) => {
      t.match(await page.read(text), [TARGET]);
    });
  }

  for (const [name, text, problem] of UNREADABLE) {
    await t.test(`${name} is refused with its place and reason`, async (t) => {
      await page.paste(text);
      t.equal(await page.verdict(), 'The ICE servers could not be read');
      t.match(await page.page.getByRole('alert').textContent(), problem);
    });
  }

  await t.test('keys that browsers do not read are pointed out', async (t) => {
    const [target] = await page.read("{ url: 'turn:host', username: 'a', password: 'b' }");
    t.match(target, { ...TARGET, notes: [/rename it to “urls”/, /rename it to “credential”/] });
  });

  await t.test('markup in the pasted text stays text', async (t) => {
    const url = 'turn:<img src=x id=injected>';
    await page.paste(`[{ urls: '${url}', username: '<b id="injected">', credential: 'x' }]`);
    t.equal(await page.page.locator('#injected').count(), 0);
    t.equal(await page.page.getByRole('heading', { level: 2 }).textContent(), url);
  });
});
