// The connection strings of coturn's databases as store URLs: libpq's for PostgreSQL, coturn's own for MySQL and Redis.
// A fault never repeats a value: it may be a password.

import { escapeText } from '../escape-text.ts';

/** A URL with what is to be said of it, or one sentence on what is wrong. */
export type StoreUrlResult = { readonly url: string; readonly remarks: readonly string[] } | { readonly error: string };

type Pairs = ReadonlyMap<string, string>;
type ReadPairs = { readonly pairs: Pairs } | { readonly error: string };

/** What all three call by several names. */
const ALIASES: Readonly<Record<string, string>> = Object.freeze({
  ip: 'host',
  addr: 'host',
  ipaddr: 'host',
  hostaddr: 'host',
  db: 'dbname',
  database: 'dbname',
  uname: 'user',
  name: 'user',
  username: 'user',
  pwd: 'password',
  passwd: 'password',
  secret: 'password',
  p: 'port',
  timeout: 'connect_timeout',
});
const MYSQL_ALIASES = {
  'ssl-key': 'key',
  'ssl-ca': 'ca',
  'ssl-capath': 'capath',
  'ssl-cert': 'cert',
  'ssl-cipher': 'cipher',
};
const REDIS_ALIASES = {
  ...{ ssl: 'tls', 'tls-ca': 'ca', cacert: 'ca', 'tls-capath': 'capath', 'tls-cert': 'cert', 'tls-key': 'key' },
  ...{ clientkey: 'key', 'tls-sni': 'servername', sni: 'servername', 'tls-verify': 'verify' },
};
const COMMON = ['host', 'dbname', 'user', 'password', 'port', 'connect_timeout'];
const MYSQL_KEYS = [...COMMON, 'read_timeout', 'key', 'ca', 'capath', 'cert', 'cipher'];
const REDIS_KEYS = [...COMMON, 'tls', 'ca', 'capath', 'cert', 'key', 'servername', 'verify'];
const POSTGRES_KEYS = [
  ...COMMON.filter((key) => key !== 'host'),
  'host',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
];
const TIMEOUTS = ['connect_timeout', 'read_timeout'];

/** libpq's directory of its socket, where no host is named. */
const POSTGRES_SOCKET = '/var/run/postgresql';

/** `psql-userdb`: `host=… dbname=…` with libpq's quotes, or a URI. */
export function postgresUrl(text: string): StoreUrlResult {
  if (/^postgres(?:ql)?:\/\//.test(text)) return postgresUri(text);
  const read = readLibpq(text);
  if ('error' in read) return read;
  const { pairs, dropped } = known(read.pairs, POSTGRES_KEYS, { hostaddr: 'host' });
  const parameters = pick(pairs, ['sslmode', 'sslrootcert', 'sslcert', 'sslkey']);
  return build(
    'postgres',
    withSocket(pairs),
    parameters,
    dropped.map((key) => `${key} of the connection string is not taken over`),
  );
}

/** `mysql-userdb`. */
export function mysqlUrl(text: string): StoreUrlResult {
  const read = readBlankSeparated(text, { ...ALIASES, ...MYSQL_ALIASES }, MYSQL_KEYS);
  if ('error' in read) return read;
  const { pairs } = read;
  const files = pick(pairs, ['ca', 'cert', 'key']);
  // coturn encrypts as soon as any of them is there, and looks at the certificate only where it has an authority.
  const hasTls = [...files.keys(), ...pick(pairs, ['capath', 'cipher']).keys()].length > 0;
  const parameters = hasTls ? new Map([['sslmode', pairs.has('ca') ? 'verify-ca' : 'require'], ...files]) : files;
  const host = pairs.get('host') ?? '127.0.0.1';
  return build('mysql', new Map([...pairs, ['host', host]]), parameters, remarksOn(pairs, ['capath', 'cipher']));
}

/** `redis-userdb` and `redis-statsdb`. */
export function redisUrl(text: string): StoreUrlResult {
  const read = readBlankSeparated(text, { ...ALIASES, ...REDIS_ALIASES }, REDIS_KEYS);
  if ('error' in read) return read;
  const pairs = new Map([['host', '127.0.0.1'], ['dbname', '0'], ...read.pairs]);
  const isTls = /^(?:1|true|on|yes)$/.test(pairs.get('tls') ?? '');
  const isBlind = /^(?:none|0|false)$/.test(pairs.get('verify') ?? '');
  const parameters = isTls ? pick(pairs, ['ca', 'cert', 'key', 'servername']) : new Map<string, string>();
  if (isTls && isBlind) parameters.set('sslmode', 'require');
  return build(isTls ? 'rediss' : 'redis', pairs, parameters, remarksOn(pairs, ['capath']));
}

/** The URL of a SQLite file, by its absolute path. */
export function sqliteUrl(path: string): string {
  return `sqlite://${path.split('/').map(encodeURIComponent).join('/')}`;
}

function remarksOn(pairs: Pairs, keys: readonly string[]): string[] {
  return keys.filter((key) => pairs.has(key)).map((key) => `${key} of the connection string is not taken over`);
}

function pick(pairs: Pairs, keys: readonly string[]): Map<string, string> {
  return new Map([...pairs].filter(([key, value]) => keys.includes(key) && value !== ''));
}

function build(
  scheme: string,
  pairs: Pairs,
  parameters: ReadonlyMap<string, string>,
  remarks: readonly string[],
): StoreUrlResult {
  const get = (key: string): string => pairs.get(key) ?? '';
  const [host, port, user, dbname] = [get('host'), get('port'), get('user'), get('dbname')];
  const socket = host.startsWith('/');
  if (!socket && !/^(?:[A-Za-z0-9._-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$/.test(host))
    return { error: 'host is no host name and no address' };
  if (port !== '' && !(/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) <= 65_535))
    return { error: 'port is not a port' };
  const isRedis = scheme.startsWith('redis');
  if (isRedis && !/^\d{1,5}$/.test(dbname)) return { error: 'dbname is not the number of a database' };
  if (!isRedis && user === '') return { error: 'user is missing' };
  const database = !isRedis && dbname === '' && scheme === 'postgres' ? user : dbname;
  if (database === '') return { error: 'dbname is missing' };
  const query = new URLSearchParams([
    ...(socket ? [['socket', host] as [string, string]] : []),
    ...parameters,
  ]).toString();
  const at = authority(user, get('password'));
  // The port is part of the name of PostgreSQL's socket.
  const place = socket ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return {
    url: `${scheme}://${at}${place}${port === '' ? '' : `:${port}`}/${encodeURIComponent(database)}${query === '' ? '' : `?${query}`}`,
    remarks,
  };
}

function authority(user: string, password: string): string {
  const name = encodeURIComponent(user);
  if (password === '') return name === '' ? '' : `${name}@`;
  return `${name}:${encodeURIComponent(password)}@`;
}

function withSocket(pairs: Pairs): Pairs {
  return (pairs.get('host') ?? '') === '' ? new Map([...pairs, ['host', POSTGRES_SOCKET]]) : pairs;
}

/** Of a URI the part that store URLs have too. */
function postgresUri(text: string): StoreUrlResult {
  if (!URL.canParse(text)) return { error: 'the URI cannot be read' };
  const url = new URL(text);
  const kept = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'];
  const dropped = [...url.searchParams.keys()].filter((key) => !kept.includes(key));
  for (const key of dropped) url.searchParams.delete(key);
  if (url.username === '') return { error: 'the URI names no user' };
  if (url.hostname.includes(',')) return { error: 'the URI names several hosts; name one' };
  if (url.pathname.length < 2) url.pathname = `/${url.username}`;
  const isSaid = (key: string): boolean => !TIMEOUTS.includes(key);
  return {
    url: url.href,
    remarks: dropped.filter(isSaid).map((key) => `${escapeText(key)} of the URI is not taken over`),
  };
}

/** The pairs that count, by their proper names, and the names of the others. */
function known(pairs: Pairs, keys: readonly string[], aliases: Readonly<Record<string, string>>) {
  const proper = [...pairs].map(([key, value]) => [aliases[key] ?? key, value] as const);
  const dropped = proper.filter(([key]) => !keys.includes(key)).map(([key]) => key);
  return { pairs: new Map(proper.filter(([key]) => keys.includes(key))), dropped };
}

/** coturn's own form: pairs between blanks, without quotes. */
function readBlankSeparated(
  text: string,
  aliases: Readonly<Record<string, string>>,
  keys: readonly string[],
): ReadPairs {
  const pairs = new Map<string, string>();
  for (const part of text.split(' ').filter((one) => one !== '')) {
    const equals = part.indexOf('=');
    if (equals < 0) return { error: 'the connection string has a word without = (values cannot hold blanks)' };
    const name = part.slice(0, equals);
    const key = Object.hasOwn(aliases, name) ? (aliases[name] as string) : name;
    if (!keys.includes(key))
      return { error: `the connection string has a key that is not known, number ${pairs.size + 1}` };
    pairs.set(key, part.slice(equals + 1));
  }
  return { pairs };
}

/** libpq's form: blanks around `=` are allowed, values may stand between single quotes, a backslash escapes. */
function readLibpq(text: string): ReadPairs {
  const pairs = new Map<string, string>();
  const pattern = /\s*([A-Za-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/gsy;
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    const [whole, key = '', quoted, bare = ''] = match;
    pairs.set(key, (quoted ?? bare).replace(/\\(.)/gs, '$1'));
    end = match.index + whole.length;
  }
  return text.slice(end).trim() === ''
    ? { pairs }
    : { error: 'the connection string is not of the form key=value key=value' };
}
