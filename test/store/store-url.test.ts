import { test } from 'tap';
import { nameOf, parseStoreUrl, type ServerUrl, type StoreUrl } from '../../src/store/store-url.ts';
import { storeUrl } from './urls.ts';

const PASSWORD = 'hunter2-Canary';

function server(text: string): ServerUrl {
  const url = storeUrl(text);
  if (url.kind === 'sqlite') throw new Error('a file');
  return url;
}

function refusal(text: string): string {
  const parsed = parseStoreUrl(text, (path) => path);
  return 'error' in parsed ? parsed.error : 'accepted';
}

test('a SQLite URL names a file, relative ones by the caller’s rule', async (t) => {
  const parse = (text: string): StoreUrl | string => {
    const parsed = parseStoreUrl(text, (path) => (path.startsWith('/') ? path : `/base/${path}`));
    return 'error' in parsed ? parsed.error : parsed.value;
  };
  t.same(parse('sqlite:///var/lib/turnd.db'), { kind: 'sqlite', path: '/var/lib/turnd.db' });
  t.same(parse('sqlite:/var/lib/turnd.db'), { kind: 'sqlite', path: '/var/lib/turnd.db' });
  t.same(parse('sqlite:turnd.db'), { kind: 'sqlite', path: '/base/turnd.db' });
  t.same(parse('sqlite:./a/turnd.db'), { kind: 'sqlite', path: '/base/./a/turnd.db' });
  t.same(parse('SQLITE:///a%20b%3Fc%25'), { kind: 'sqlite', path: '/a b?c%' });
});

test('SQLite URLs that name no file are refused', async (t) => {
  for (const text of ['sqlite:', 'sqlite:///', 'sqlite:///dir/', 'sqlite:///a%00b']) {
    t.match(refusal(text), /names no file.*sqlite:\/\/\/var/, text);
  }
  t.match(refusal('sqlite://host/file'), /no host/);
  for (const text of ['sqlite://', 'sqlite:////etc/file']) t.match(refusal(text), /no host/, text);
  t.match(refusal('sqlite:///a?mode=ro'), /no parameters/);
  t.match(refusal('sqlite:///a%zz'), /%25/);
});

test('server URLs are read whole', async (t) => {
  t.same(server('postgres://u:p@db.example/turn'), {
    ...{ kind: 'postgres', host: 'db.example', port: 5432, user: 'u', password: 'p', database: 'turn' },
    ...{ socket: null, tls: null },
  });
  t.same(server('postgresql://u@[2001:db8::1]:99/t%20n').host, '2001:db8::1');
  t.same(server('postgresql://u@[2001:db8::1]:99/t%20n').database, 't n');
  t.match(server('mysql://u:p%40%2F%3a@h/d'), { kind: 'mysql', port: 3306, password: 'p@/:' });
  t.match(server('mariadb://u@h:1/d'), { kind: 'mysql', port: 1, password: '' });
  t.match(server('redis://h'), { kind: 'redis', port: 6379, user: '', database: '0', tls: null });
  t.match(server('redis://:p@h/7'), { password: 'p', database: '7' });
  t.match(server('postgres://u@localhost/d?socket=/run/pg'), { host: 'localhost', socket: '/run/pg' });
  t.match(server('redis:///1?socket=/run/redis'), { host: 'localhost', socket: '/run/redis', database: '1' });
});

test('TLS is chosen by either spelling', async (t) => {
  const tls = (query: string) => server(`postgres://u@h/d${query}`).tls;
  const none = { ca: null, cert: null, key: null, servername: null };
  t.same(tls(''), null);
  t.same(tls('?tls=off'), null);
  t.same(tls('?tls=true'), { verify: 'full', ...none });
  t.same(tls('?tls=verify-ca&ca=/ca.pem'), { verify: 'ca', ...none, ca: '/ca.pem' });
  t.same(tls('?sslmode=disable'), null);
  t.same(tls('?sslmode=prefer'), null);
  t.same(tls('?sslmode=require'), { verify: 'none', ...none });
  t.same(tls('?sslmode=require&sslrootcert=/ca'), { verify: 'ca', ...none, ca: '/ca' });
  t.same(tls('?sslmode=verify-full&sslrootcert=/ca&sslcert=/c&sslkey=/k'), {
    ...{ verify: 'full', ca: '/ca', cert: '/c', key: '/k', servername: null },
  });
  t.same(server('rediss://h?servername=r.example').tls, { verify: 'full', ...none, servername: 'r.example' });
});

test('bad URLs are refused with a sentence that never holds the password', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [`http://u:${PASSWORD}@h/d`, /not the URL of a store/],
    [PASSWORD, /not the URL of a store/],
    [`__proto__://u:${PASSWORD}@h/d`, /not the URL of a store/],
    [`constructor:${PASSWORD}`, /not the URL of a store/],
    [`postgres://u:${PASSWORD}@h`, /names no database/],
    [`postgres://u:${PASSWORD}@h/`, /names no database/],
    [`mysql://:${PASSWORD}@h/d`, /names no user/],
    [`postgres://u:${PASSWORD}@/d`, /cannot be read/],
    [`redis:///0`, /names no host/],
    ['redis://a\bb/0', /the host holds/],
    ['postgres://u@h%0Ax/d', /the host holds/],
    [`postgres://u:${PASSWORD}@h/d?socket=/run/pg`, /the host is localhost/],
    [`postgres://u:${PASSWORD}@h:99999/d`, /cannot be read/],
    [`postgres://u:${PASSWORD}#x@h/d`, /cannot be read.*%23/],
    [`postgres://u:1${PASSWORD}/x@h/d`, /cannot be read.*%2F/],
    [`postgres://u:1/${PASSWORD}@h/d`, /cannot be read.*%2F/],
    [`postgres://u:${PASSWORD}%zz@h/d`, /%25/],
    [`postgres:u:${PASSWORD}@h/d`, /cannot be read/],
    [`postgres://u:${PASSWORD}@h/d?tls=yes`, /tls is true, verify-ca or off/],
    [`postgres://u:${PASSWORD}@h/d?sslmode=on`, /sslmode is/],
    [`postgres://u:${PASSWORD}@h/d?tls=true&sslmode=require`, /exclude/],
    [`postgres://u:${PASSWORD}@h/d?ca=/x`, /need \?tls=true/],
    [`postgres://u:${PASSWORD}@h/d?tls=true&cert=/x`, /together/],
    [`postgres://u:${PASSWORD}@h/d?tls=`, /empty/],
    [`postgres://u:${PASSWORD}@h/d?tls=true&tls=true`, /twice/],
    [`postgres://u:${PASSWORD}@h/d?password=${PASSWORD}`, /parameters of the URL are/],
    [`postgres://u:${PASSWORD}@h/d?__proto__=1`, /parameters of the URL are/],
    [`redis://:${PASSWORD}@h/zero`, /number/],
    [`rediss://:${PASSWORD}@h/0?tls=off`, /rediss/],
    [`rediss://:${PASSWORD}@h/0?sslmode=prefer`, /rediss/],
  ];
  for (const [text, sentence] of cases) {
    t.match(refusal(text), sentence, text);
    t.notMatch(refusal(text), PASSWORD, text);
  }
});

test('a name shows everything but the password', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['sqlite:///a%20b', 'sqlite:///a%20b'],
    [`postgresql://u:${PASSWORD}@h/d`, 'postgres://u@h:5432/d'],
    [`mariadb://u:${PASSWORD}@[::1]:9/d?tls=true`, 'mysql://u@[::1]:9/d'],
    [`rediss://:${PASSWORD}@h/3`, 'rediss://h:6379/3'],
    ['postgres://u@localhost/d?socket=/run/pg', 'postgres://u@localhost/d?socket=/run/pg'],
  ];
  for (const [text, name] of cases) t.equal(nameOf(storeUrl(text)), name);
});
