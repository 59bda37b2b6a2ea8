// Connection strings become URLs that stores are opened by: judged by the parser of those URLs.

import fc from 'fast-check';
import { test } from 'tap';
import {
  mysqlUrl,
  postgresUrl,
  redisUrl,
  type StoreUrlResult,
  sqliteUrl,
} from '../../src/coturn/connection-strings.ts';
import { parseStoreUrl } from '../../src/store/store-url.ts';

function read(result: StoreUrlResult) {
  if ('error' in result) throw new Error(result.error);
  const parsed = parseStoreUrl(result.url, (path) => path);
  if ('error' in parsed) throw new Error(`${result.url}: ${parsed.error}`);
  return parsed.value;
}

const errorOf = (result: StoreUrlResult): string => ('error' in result ? result.error : `accepted as ${result.url}`);

test('PostgreSQL: a connection string of libpq', async (t) => {
  t.match(
    read(postgresUrl("host=db.example port = 5433 dbname='turn db' user=turn password='it''s'".replace("''s", "\\'s"))),
    {
      kind: 'postgres',
      host: 'db.example',
      port: 5433,
      database: 'turn db',
      user: 'turn',
      password: "it's",
      tls: null,
    },
  );
  t.match(read(postgresUrl('hostaddr=192.0.2.1 user=turn sslmode=verify-full sslrootcert=/ca.pem')), {
    host: '192.0.2.1',
    database: 'turn',
    tls: { verify: 'full', ca: '/ca.pem' },
  });
  t.match(read(postgresUrl('user=turn dbname=t')), { socket: '/var/run/postgresql' });
  t.match(read(postgresUrl('host=/tmp/pg port=5433 user=turn dbname=t')), { socket: '/tmp/pg', port: 5433 });
  t.equal(errorOf(postgresUrl('postgres://u:pw@a,b/d')), 'the URI names several hosts; name one');
  t.equal(errorOf(postgresUrl('host=a,b user=u')), 'host is no host name and no address');
  t.match(read(postgresUrl('postgresql://turn:p%40w@[2001:db8::1]:5433/t?connect_timeout=3&sslmode=require')), {
    host: '2001:db8::1',
    password: 'p@w',
    tls: { verify: 'none' },
  });
  t.equal(errorOf(postgresUrl('host=h dbname=d')), 'user is missing');
  t.match(postgresUrl('host=h user=u application_name=x'), {
    remarks: ['application_name of the connection string is not taken over'],
  });
  t.match(postgresUrl('postgres://u@h/d?a%1b%5b2J%0ab=1'), {
    remarks: ['a\\u001b[2J\\u000ab of the URI is not taken over'],
  });
});

test('MySQL: coturn’s names and their other spellings', async (t) => {
  t.match(read(mysqlUrl('host=db.example dbname=turn user=turn password=a:b@c/d?e#f%g port=3307 connect_timeout=10')), {
    kind: 'mysql',
    port: 3307,
    password: 'a:b@c/d?e#f%g',
    tls: null,
  });
  t.match(read(mysqlUrl('addr=192.0.2.1 db=turn uname=u pwd=x ssl-ca=/ca ssl-cert=/c ssl-key=/k')), {
    user: 'u',
    tls: { verify: 'ca', ca: '/ca', cert: '/c', key: '/k' },
  });
  t.match(read(mysqlUrl('dbname=turn user=u cipher=X')), { host: '127.0.0.1', tls: { verify: 'none' } });
  t.equal(errorOf(mysqlUrl('host=h user=u')), 'dbname is missing');
});

test('Redis: with and without TLS', async (t) => {
  t.match(read(redisUrl('')), { kind: 'redis', host: '127.0.0.1', port: 6379, database: '0', password: '', tls: null });
  t.match(read(redisUrl('ip=2001:db8::1 dbname=3 user=turn secret=p@w port=6390 timeout=5')), {
    host: '2001:db8::1',
    database: '3',
    user: 'turn',
    password: 'p@w',
  });
  t.match(read(redisUrl('ip=192.0.2.1 tls=yes ca=/ca cert=/c clientkey=/k sni=redis.example')), {
    tls: { verify: 'full', ca: '/ca', cert: '/c', key: '/k', servername: 'redis.example' },
  });
  t.match(read(redisUrl('ip=192.0.2.1 tls=1 verify=none')), { tls: { verify: 'none' } });
  t.match(read(redisUrl('ip=192.0.2.1 tls=0 ca=/ca')), { tls: null });
});

test('any text is a password', async (t) => {
  const text = fc.string({ minLength: 1 });
  fc.assert(
    fc.property(text, (password) => {
      const quoted = password.replace(/[\\']/g, '\\$&');
      t.match(read(postgresUrl(`host=h user=u dbname=d password='${quoted}'`)), { password: exactly(password) });
      const bare = password.replaceAll(' ', '_');
      t.match(read(mysqlUrl(`host=h user=u dbname=d password=${bare}`)), { password: exactly(bare) });
      t.match(read(redisUrl(`host=h password=${bare}`)), { password: exactly(bare) });
    }),
    { numRuns: 300 },
  );
});

test('any path is a SQLite file', async (t) => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (name) => {
      const path = `/x/${name.replace(/[/\0]/g, '_')}`;
      t.equal((read({ url: sqliteUrl(path), remarks: [] }) as { path: string }).path, path);
    }),
    { numRuns: 300 },
  );
});

/** t.match takes text for a part of it. */
function exactly(text: string): RegExp {
  return new RegExp(`^${text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`);
}
