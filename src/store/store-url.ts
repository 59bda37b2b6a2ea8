// Owns the URLs of stores: which parts they have, and the sentence that refuses a wrong one without repeating its
// password. It opens nothing and reads no file.

/** Where a store is. */
export type StoreUrl = SqliteUrl | ServerUrl;

/** A database in a file. */
export interface SqliteUrl {
  readonly kind: 'sqlite';
  /** Absolute. */
  readonly path: string;
}

/** A database behind a connection. */
export interface ServerUrl {
  readonly kind: 'postgres' | 'mysql' | 'redis';
  /** A name or an address without brackets; `localhost` when there is a {@link socket}. */
  readonly host: string;
  readonly port: number;
  /** Empty: none. */
  readonly user: string;
  /** Empty: none. */
  readonly password: string;
  /** The database's name; Redis: its number. */
  readonly database: string;
  /** Absolute path of a Unix socket (PostgreSQL: of its directory); null = TCP. */
  readonly socket: string | null;
  /** null = in the clear. */
  readonly tls: StoreTls | null;
}

/** How a connection is encrypted, and whom it trusts. */
export interface StoreTls {
  /** `none`: encrypted, the certificate is not looked at. `ca`: its authority counts, its name does not. */
  readonly verify: 'none' | 'ca' | 'full';
  /** PEM files, absolute; null = not given (`ca`: those that Node trusts). */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  /** The name that the certificate must have; null = the host. */
  readonly servername: string | null;
}

/** A value, or why there is none: one sentence without the password. */
export type ParsedUrl = { readonly value: StoreUrl } | { readonly error: string };

/** Makes a path of a URL absolute. */
export type ResolvePath = (path: string) => string;

const KINDS: Readonly<Record<string, StoreUrl['kind']>> = Object.freeze({
  sqlite: 'sqlite',
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
  redis: 'redis',
  rediss: 'redis',
});
const PORTS = Object.freeze({ postgres: 5432, mysql: 3306, redis: 6379 });
const EXAMPLES = Object.freeze({
  sqlite: 'sqlite:///var/lib/turnd/turnd.db',
  postgres: 'postgres://user:password@host:5432/database',
  mysql: 'mysql://user:password@host:3306/database',
  redis: 'redis://user:password@host:6379/0',
});
/** Hosts that a Unix socket may stand for; a URL with a user cannot be without a host. */
const LOCAL: readonly string[] = ['', 'localhost'];
/** Each name of a parameter, and libpq's. */
const PARAMETERS: Readonly<Record<string, string>> = Object.freeze({
  tls: 'tls',
  ca: 'ca',
  cert: 'cert',
  key: 'key',
  servername: 'servername',
  socket: 'socket',
  sslmode: 'sslmode',
  sslrootcert: 'ca',
  sslcert: 'cert',
  sslkey: 'key',
});

/** An answer to the question why a URL is refused; thrown and caught in this file only. */
class Refusal extends Error {}

/** Reads the URL of a store. `resolvePath` makes paths in it absolute. */
export function parseStoreUrl(text: string, resolvePath: ResolvePath): ParsedUrl {
  const kind = kindOf(text);
  if (kind === null) return { error: `not the URL of a store, such as ${Object.values(EXAMPLES).join(', ')}` };
  try {
    return { value: kind === 'sqlite' ? readSqlite(text, resolvePath) : readServer(kind, text, resolvePath) };
  } catch (error) {
    if (error instanceof Refusal) return { error: `${error.message}: write it like ${EXAMPLES[kind]}` };
    throw error;
  }
}

/** The URL without password and parameters: for people. */
export function nameOf(url: StoreUrl): string {
  if (url.kind === 'sqlite') return `sqlite://${encodePath(url.path)}`;
  const user = url.user === '' ? '' : `${encodeURIComponent(url.user)}@`;
  const scheme = url.kind === 'redis' && url.tls !== null ? 'rediss' : url.kind;
  const host = url.host.includes(':') ? `[${url.host}]` : url.host;
  const place = url.socket === null ? `${host}:${url.port}` : host;
  const socket = url.socket === null ? '' : `?socket=${encodePath(url.socket)}`;
  return `${scheme}://${user}${place}/${encodeURIComponent(url.database)}${socket}`;
}

function kindOf(text: string): StoreUrl['kind'] | null {
  const scheme = /^([a-z]+):/i.exec(text)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(KINDS, scheme) ? (KINDS[scheme] as StoreUrl['kind']) : null;
}

function readSqlite(text: string, resolvePath: ResolvePath): SqliteUrl {
  const [, host, path = '', query] = /^sqlite:(?:\/\/([^/?#]*)(?=\/))?([^?#]*)(.*)$/is.exec(text) ?? [];
  if (query !== '') throw new Refusal('the URL of a SQLite file has no parameters (? and # in a path are %3F and %23)');
  if ((host ?? '') !== '' || path.startsWith('//')) throw new Refusal('the URL of a SQLite file has no host');
  const file = decode(path, 'the path');
  if (file === '' || file.endsWith('/') || file.includes('\0')) throw new Refusal('the URL names no file');
  return { kind: 'sqlite', path: resolvePath(file) };
}

function readServer(kind: ServerUrl['kind'], text: string, resolvePath: ResolvePath): ServerUrl {
  const url = parse(text);
  const parameters = readParameters(url);
  const socket = parameters.get('socket');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '' && socket === undefined) throw new Refusal('the URL names no host');
  if (socket !== undefined && !LOCAL.includes(host)) throw new Refusal('with ?socket= the host is localhost');
  return {
    kind,
    host: socket === undefined ? readHost(host) : 'localhost',
    port: url.port === '' ? PORTS[kind] : Number(url.port),
    user: decode(url.username, 'the user'),
    password: decode(url.password, 'the password'),
    database: readDatabase(kind, url),
    socket: socket === undefined ? null : resolvePath(socket),
    tls: readTls(url.protocol === 'rediss:', parameters, resolvePath),
  };
}

/** What stands in logs must not steer a terminal (S56), and no host has such a name. */
function readHost(text: string): string {
  const host = decode(text, 'the host');
  if (/[\s\p{C}]/u.test(host)) throw new Refusal('the host holds a space or control character');
  return host;
}

function parse(text: string): URL {
  const hint = 'the URL cannot be read (in a user or password / ? # @ % and : are %2F %3F %23 %40 %25 and %3A)';
  if (!URL.canParse(text) || !/^[a-z]+:\/\//i.test(text) || text.includes('#')) throw new Refusal(hint);
  const url = new URL(text);
  // A raw `/` or `?` in a password ends the authority early, and what should be the host is left in the path.
  if (decodeURI(url.pathname.replaceAll('%', '%25')).includes('@')) throw new Refusal(hint);
  return url;
}

function readDatabase(kind: ServerUrl['kind'], url: URL): string {
  const database = decode(url.pathname.replace(/^\//, ''), 'the database');
  if (kind === 'redis') {
    if (!/^\d{0,5}$/.test(database)) throw new Refusal("the database of Redis is a number, after the host's /");
    return database === '' ? '0' : database;
  }
  if (database === '') throw new Refusal("the URL names no database, after the host's /");
  if (url.username === '') throw new Refusal('the URL names no user');
  return database;
}

function readParameters(url: URL): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    const meant = Object.hasOwn(PARAMETERS, name) ? (PARAMETERS[name] as string) : null;
    if (meant === null)
      throw new Refusal(`parameters of the URL are ${Object.keys(PARAMETERS).join(', ')}; one is not`);
    if (value === '') throw new Refusal(`the parameter ${name} is empty`);
    if (parameters.has(meant)) throw new Refusal(`the parameter ${name} is given twice`);
    parameters.set(meant, value);
  }
  return parameters;
}

function readTls(isOn: boolean, parameters: ReadonlyMap<string, string>, resolvePath: ResolvePath): StoreTls | null {
  const verify = readVerify(isOn, parameters);
  const file = (name: string): string | null => {
    const path = parameters.get(name);
    return path === undefined ? null : resolvePath(path);
  };
  const [ca, cert, key] = [file('ca'), file('cert'), file('key')];
  const servername = parameters.get('servername') ?? null;
  if (verify === null) {
    if (ca ?? cert ?? key ?? servername) throw new Refusal('ca, cert, key and servername need ?tls=true');
    return null;
  }
  if ((cert === null) !== (key === null)) throw new Refusal('cert and key come together');
  // As libpq: whoever names an authority and only asks for encryption wants the authority to count.
  return { verify: verify === 'none' && ca !== null ? 'ca' : verify, ca, cert, key, servername };
}

function readVerify(isOn: boolean, parameters: ReadonlyMap<string, string>): StoreTls['verify'] | null {
  const [tls, sslmode] = [parameters.get('tls'), parameters.get('sslmode')];
  if (tls !== undefined && sslmode !== undefined) throw new Refusal('tls and sslmode exclude each other');
  const verify = tls === undefined ? verifyOfSslMode(sslmode, isOn) : verifyOfTls(tls);
  if (isOn && verify === null) throw new Refusal('rediss:// means TLS and cannot be without it');
  return verify;
}

function verifyOfTls(tls: string): StoreTls['verify'] | null {
  if (tls === 'true') return 'full';
  if (tls === 'verify-ca') return 'ca';
  if (tls === 'off') return null;
  throw new Refusal('tls is true, verify-ca or off');
}

/** `allow` and `prefer` are content without TLS, so they get none. */
function verifyOfSslMode(mode: string | undefined, isOn: boolean): StoreTls['verify'] | null {
  if (mode === undefined) return isOn ? 'full' : null;
  if (mode === 'verify-full') return 'full';
  if (mode === 'verify-ca') return 'ca';
  if (mode === 'require') return 'none';
  if (mode === 'disable' || mode === 'allow' || mode === 'prefer') return null;
  throw new Refusal('sslmode is disable, allow, prefer, require, verify-ca or verify-full');
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Refusal(`${what} holds a % that is not %25`);
  }
}

function encodePath(path: string): string {
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent);
}
