// Tokens in their file: made once, known by their hash alone, gone within a second.

import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'tap';
import { type ConfiguredToken, tokenHash } from '../../src/config/api-tokens.ts';
import type { AdminFault } from '../../src/control/administration.ts';
import { TokenBook } from '../../src/control/token-book.ts';
import { hasScope } from '../../src/control/tokens.ts';
import { type Teardown, temporaryDirectory } from '../support/turnd-process.ts';

const START = 1_800_000_000_000;

/** What rejections of that kind look like. */
function refusal(fault: AdminFault): Error {
  return { name: 'AdminError', fault } as object as Error;
}

function open(t: Teardown, own: { path?: string; configured?: readonly ConfiguredToken[] } = {}) {
  const clock = { now: START };
  const told: string[] = [];
  const path = own.path ?? `${temporaryDirectory(t)}/tokens.json`;
  const book = new TokenBook({
    path,
    configured: () => own.configured ?? [],
    now: () => clock.now,
    report: (message) => void told.push(message),
  });
  t.teardown(() => book.settled());
  return { book, path, clock, told };
}

test('S57 a token is shown once, kept as a hash, and known again', async (t) => {
  const { book, path } = open(t);
  const made = await book.addToken({ name: 'app', scopes: ['read', 'credentials'], expiresAt: null });
  t.match(made.token, /^turnd_[\w-]{43}$/);
  t.same(book.find(made.token), { name: 'app', scopes: ['credentials', 'read'] });
  for (const wrong of ['', made.token.slice(0, -1), `${made.token}x`, made.token.toUpperCase(), 'x'.repeat(100_000)])
    t.equal(book.find(wrong), null);
  const text = readFileSync(path, 'utf8');
  t.notMatch(text, made.token.slice(6));
  t.match(text, tokenHash(made.token));
  t.equal(statSync(path).mode & 0o777, 0o600);
  await book.settled();
  t.same(readdirSync(path.replace(/\/[^/]*$/, '')), ['tokens.json'], 'nothing else is left');
  t.equal(book.find(tokenHash(made.token)), null, 'the hash is no token');
  await t.rejects(book.addToken({ name: 'app', scopes: ['read'], expiresAt: null }), refusal('conflict'));
  t.match(await book.removeToken('app'), { name: 'app' });
  t.equal(book.find(made.token), null);
  await t.rejects(book.removeToken('app'), refusal('not-found'));
});

test('S57 a token expires', async (t) => {
  const { book, clock } = open(t);
  const { token } = await book.addToken({ name: 'short', scopes: ['admin'], expiresAt: START + 1000 });
  clock.now += 999;
  t.ok(book.find(token));
  clock.now += 1;
  t.equal(book.find(token), null);
  await t.rejects(book.addToken({ name: 'past', scopes: ['admin'], expiresAt: clock.now }), refusal('invalid'));
});

test('S57 what another process changes counts within a second', async (t) => {
  const one = open(t);
  const other = open(t, { path: one.path });
  const { token } = await other.book.addToken({ name: 'new', scopes: ['read'], expiresAt: null });
  one.clock.now += 600;
  t.match(one.book.find(token), { name: 'new' });
  await one.book.settled();
  await other.book.removeToken('new');
  one.clock.now += 600;
  t.equal(one.book.find(token), null);
});

test('the time of last use is written at most once a minute', async (t) => {
  const { book, path, clock } = open(t);
  const { token } = await book.addToken({ name: 'app', scopes: ['read'], expiresAt: null });
  const usedAt = (): number => JSON.parse(readFileSync(path, 'utf8')).tokens[0].lastUsedAt;
  for (let turn = 0; turn < 100; turn++) {
    book.find(token);
    clock.now += 500;
  }
  await book.settled();
  t.equal(usedAt(), START);
  clock.now += 20_000;
  book.find(token);
  await book.settled();
  t.equal(usedAt(), clock.now);
  t.match(await book.listTokens(), [{ name: 'app', lastUsedAt: clock.now, isConfigured: false }]);
});

test('S57 a file that is damaged, or open to others, lets nobody in and is not overwritten', async (t) => {
  const { book, path, clock, told } = open(t);
  const { token } = await book.addToken({ name: 'app', scopes: ['read'], expiresAt: null });
  const good = readFileSync(path);
  chmodSync(path, 0o622);
  clock.now += 600;
  t.equal(book.find(token), null);
  t.match(told.at(-1), /others can write to it: chmod 600/);
  chmodSync(path, 0o600);
  for (const bad of ['', '{', '{"tokens":[{"name":"x"}]}', '[]', '{"tokens":[],"x":1}']) {
    writeFileSync(path, bad);
    clock.now += 600;
    t.equal(book.find(token), null);
    await t.rejects(book.addToken({ name: 'b', scopes: ['read'], expiresAt: null }), refusal('unavailable'));
    t.equal(readFileSync(path, 'utf8'), bad);
  }
  t.equal(told.length, 2, 'each reason is told once');
  t.notMatch(told.join(), token);
  writeFileSync(path, good);
  clock.now += 600;
  t.ok(book.find(token));
});

test('tokens of the configuration count, and are changed only there', async (t) => {
  const hash = tokenHash('a token of the operator');
  const { book } = open(t, { configured: [{ name: 'ci', scopes: ['admin'], hash }] });
  t.same(book.find('a token of the operator'), { name: 'ci', scopes: ['admin'] });
  t.match(await book.listTokens(), [{ name: 'ci', isConfigured: true, createdAt: null }]);
  await t.rejects(book.removeToken('ci'), /configuration file/);
  await t.rejects(book.addToken({ name: 'ci', scopes: ['read'], expiresAt: null }), refusal('conflict'));
});

test('names and scopes are judged, changes at once all count', async (t) => {
  const { book } = open(t);
  for (const name of ['', ' ', 'a b', '-x', '../x', '<script>', 'x'.repeat(65), 'a\n'])
    await t.rejects(book.addToken({ name, scopes: ['read'], expiresAt: null }), refusal('invalid'));
  await t.rejects(book.addToken({ name: 'none', scopes: [], expiresAt: null }), refusal('invalid'));
  const names = ['a', 'b', 'c', 'd', 'e'];
  await Promise.all(names.map((name) => book.addToken({ name, scopes: ['read'], expiresAt: null })));
  t.same(
    (await book.listTokens()).map(({ name }) => name),
    names,
  );
});

test('admin may do all, others what they are for', async (t) => {
  const may = (scope: 'credentials' | 'read' | 'admin') => hasScope({ name: '', scopes: [scope] }, 'read');
  t.same([may('credentials'), may('read'), may('admin')], [false, true, true]);
});
