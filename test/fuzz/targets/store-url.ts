// Fuzzes the URLs of stores: each is where a store is, or one clean sentence that does not repeat its password.

import { nameOf, parseStoreUrl, type StoreUrl } from '../../../src/store/store-url.ts';
import { mutateText } from '../mutate-text.ts';
import { expect, type Notice, type Target } from '../target.ts';
import { expectCleanLine, formOfLine } from './clean-line.ts';

const TOKENS: readonly string[] = [
  ...['sqlite:', 'postgres://', 'postgresql://', 'mysql://', 'mariadb://', 'redis://', 'rediss://', '//', '/', '/0'],
  ...['?', '&', '=', '#', '@', ':', '%', '%00', '%2F', '%40', '%zz', '%ff', '[::1]', '[', ']', ',', ' ', '\\', '..'],
  ...['tls=true', 'tls=off', 'sslmode=require', 'sslmode=verify-full', 'socket=/run/x', 'ca=/x', 'cert=a', 'key=b'],
  ...['servername=x', 'localhost', ':3306', ':65536', ':0', '\n', '\t', 'é', '\u202e', '__proto__', 'constructor:'],
];

const SEEDS: readonly string[] = [
  ...['sqlite:///var/lib/turnd/turnd.db', 'sqlite:relative.db', 'sqlite://host/x', 'redis://localhost', 'rediss://h/1'],
  'postgres://user:p%40ss@db.example.org:5433/turn?sslmode=verify-full&sslrootcert=/ca.pem',
  'mysql://user:pa:ss@[2001:db8::1]/turn?tls=verify-ca&ca=ca.pem&cert=c.pem&key=k.pem',
  'postgres://user:password@localhost/turn?socket=/var/run/postgresql',
];

/** parseStoreUrl. */
export const storeUrlTarget: Target = {
  name: 'store-url',
  code: ['/src/store/store-url'],
  seeds: () => SEEDS.map((text) => Buffer.from(text)),
  mutate: (input, other, random) => mutateText(input, other, { tokens: TOKENS, maxLength: 400 }, random),
  run,
};

const resolvePath = (path: string): string => (path.startsWith('/') ? path : `/base/${path}`);

function run(input: Buffer, notice: Notice): number {
  const text = input.toString('utf8');
  const parsed = parseStoreUrl(text, resolvePath);
  if ('error' in parsed) {
    notice(formOfLine(parsed.error));
    expectCleanLine(parsed.error);
    // The sentence depends on the form alone: a planted password in place of another leaves it as it is.
    return 1;
  }
  const url = parsed.value;
  notice(`${url.kind} ${'socket' in url ? `${url.socket !== null} ${url.tls?.verify}` : ''}`);
  checkUrl(url);
  return 1;
}

function checkUrl(url: StoreUrl): void {
  const name = nameOf(url);
  expectCleanLine(name);
  if (url.kind === 'sqlite') {
    expect(url.path.startsWith('/') && !url.path.includes('\0'), `the path is ${url.path}`);
    return;
  }
  expect(
    url.host !== '' && Number.isInteger(url.port) && url.port >= 0 && url.port <= 65_535,
    `${url.host}:${url.port}`,
  );
  expect(url.kind !== 'redis' || /^\d{1,5}$/.test(url.database), `database ${url.database}`);
  expect((url.tls?.cert ?? null) === null || (url.tls?.key ?? null) !== null, 'a certificate without key');
  // Long enough not to be there by chance.
  const others = [url.user, url.host, url.database, url.socket ?? ''];
  const isTelling = url.password.length >= 8 && !others.some((one) => one.includes(url.password));
  expect(!isTelling || !name.includes(url.password), 'the name holds the password');
}
