// The picture in docs/architecture.md, asserted: which folder may import which, what the inner rings may not call, and
// how long files may be.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const SRC = join(ROOT, 'src');

const MAX_LINES = 350;

/** What each part of src/ may import of the others; a part not named here may be imported only by server and main. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  stun: [],
  turn: ['stun'],
  errors: [],
  'escape-text': [],
  net: ['stun', 'turn', 'errors'],
  planes: ['stun', 'turn', 'errors', 'net'],
  streams: ['stun', 'turn', 'errors', 'tls', 'limits'],
  tls: ['stun', 'turn', 'errors', 'state'],
  auth: ['stun', 'turn', 'errors', 'store'],
  limits: ['stun', 'turn', 'errors'],
  state: ['stun', 'turn', 'errors'],
  events: ['errors'],
  config: ['stun', 'turn', 'errors', 'escape-text', 'coturn', 'store', 'events'],
  log: ['stun', 'turn', 'errors', 'escape-text'],
  workers: ['stun', 'turn', 'errors', 'auth', 'limits', 'planes', 'tls', 'config', 'log', 'events'],
  store: ['stun', 'turn', 'errors', 'escape-text'],
  statsdb: ['stun', 'turn', 'errors', 'escape-text', 'store'],
  metrics: ['stun', 'turn', 'workers'],
  control: ['stun', 'turn', 'errors', 'escape-text', 'store', 'config', 'net', 'workers', 'metrics', 'auth', 'events'],
  client: ['stun', 'turn', 'errors'],
  coturn: ['stun', 'turn', 'errors', 'escape-text', 'net'],
  cli: [
    'config',
    'errors',
    'escape-text',
    'log',
    'store',
    'control',
    'client',
    'coturn',
    'stun',
    'net',
    'turn',
    'auth',
    'events',
  ],
  server: [
    'stun',
    'turn',
    'errors',
    'net',
    'planes',
    'streams',
    'tls',
    'auth',
    'limits',
    'state',
    'config',
    'log',
    'workers',
    'store',
    'statsdb',
    'metrics',
    'control',
    'events',
  ],
  'worker-main': ['server', 'workers'],
  main: ['server', 'config', 'cli', 'errors', 'log', 'state'],
};

/** Node modules that the inner rings may use. */
const NODE_MODULES: Readonly<Record<string, readonly string[]>> = {
  stun: ['node:crypto', 'node:zlib'],
  turn: ['node:crypto'],
};

/** Calls that would make the inner rings depend on the moment or the machine. */
const BANNED = [
  /\bDate\b/,
  /\bperformance\b/,
  /\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b|\bqueueMicrotask\b/,
  /\bMath\.random\b/,
  /\brandomBytes\b|\brandomFillSync\b|\bgetRandomValues\b/,
  /\bprocess\b/,
  /\bconsole\b/,
  /\bpino\b/,
];

interface SourceFile {
  readonly path: string;
  readonly part: string;
  readonly text: string;
  /** Without comments. */
  readonly code: string;
}

function sourceFiles(): SourceFile[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => {
      const text = readFileSync(join(SRC, path), 'utf8');
      const part = (path.split('/')[0] as string).replace(/\.ts$/, '');
      return { path, part, text, code: text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '') };
    });
}

function importsOf(file: SourceFile): string[] {
  const specifiers = file.code.matchAll(/(?:\bfrom\s|\bimport\s|\bimport\()\s*'([^']+)'/g);
  return [...specifiers].map((match) => match[1] as string);
}

function partOf(file: SourceFile, specifier: string): string {
  const target = relative(SRC, resolve(dirname(join(SRC, file.path)), specifier));
  return (target.split('/')[0] as string).replace(/\.ts$/, '');
}

const FILES = sourceFiles();

test('there are sources to look at', async (t) => {
  for (const part of ['stun', 'turn']) t.ok(FILES.filter((file) => file.part === part).length > 5, part);
});

test('imports point inwards only', async (t) => {
  for (const file of FILES) {
    const allowed = ALLOWED[file.part];
    t.ok(allowed, `src/${file.path} belongs to a part of the picture`);
    const outward = importsOf(file)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => partOf(file, specifier))
      .filter((part) => part !== file.part && !(allowed ?? []).includes(part));
    t.same(outward, [], `src/${file.path} imports only what it may`);
  }
});

test('the codec and the engine use no package and few of Node’s modules', async (t) => {
  for (const file of FILES) {
    const allowed = NODE_MODULES[file.part];
    if (allowed === undefined) continue;
    const foreign = importsOf(file).filter((specifier) => !specifier.startsWith('.') && !allowed.includes(specifier));
    t.same(foreign, [], `src/${file.path}`);
  }
});

test('the codec and the engine know no clock, timer, randomness, process or log', async (t) => {
  for (const file of FILES) {
    if (!(file.part in NODE_MODULES)) continue;
    const found = BANNED.filter((pattern) => pattern.test(file.code)).map(String);
    t.same(found, [], `src/${file.path}`);
  }
});

/** Random numbers that somebody who has seen some of them can go on with (S15). */
const PREDICTABLE = /\bMath\.random\b|\bpseudoRandomBytes\b/;

/** Comparisons that end at the first difference: each tells how much of a secret was right (S19). */
const LEAKY =
  /\b(?:mac|hmac|nonce|token|key|md5Key|sha256Key|digest|integrity|secret|password)\b(?:\.equals\(|\.compare\(|\s*[!=]==?(?!=|\s*(?:null\b|undefined\b|'')))/;

test('S15, S17: nothing is drawn from random numbers that can be predicted', async (t) => {
  t.match('const port = Math.random()', PREDICTABLE);
  // A client chooses among equal servers with it (RFC 2782), which is no secret.
  const files = FILES.filter(({ part }) => part !== 'client');
  for (const file of files) t.notMatch(file.code, PREDICTABLE, `src/${file.path}`);
});

test('S19 what is secret is compared in constant time, and in no other way', async (t) => {
  for (const text of ['mac.equals(given)', 'if (nonce === expected)', 'key !== other', 'token.compare(b)'])
    t.match(text, LEAKY);
  for (const text of ['nonce === null', 'key !== undefined', "secret === ''", 'nonces.check(nonce)'])
    t.notMatch(text, LEAKY);
  const inner = FILES.filter(({ part }) => part === 'stun' || part === 'turn' || part === 'auth');
  const found = inner.flatMap(({ path, code }) =>
    code
      .split('\n')
      .filter((line) => LEAKY.test(line))
      .map((line) => `${path}: ${line.trim()}`),
  );
  t.same(found, []);
  const callers = FILES.filter(({ code }) => /\btimingSafeEqual\(/.test(code)).map(({ path }) => path);
  t.same(callers.filter((path) => path.startsWith('stun/') || path.startsWith('turn/')).sort(), [
    'stun/integrity.ts',
    'turn/nonce.ts',
  ]);
});

test('nobody knows koffi but the Linux plane, and nobody knows pino but the log', async (t) => {
  const owners: Readonly<Record<string, string>> = { koffi: 'planes/linux', pino: 'log', 'pino-pretty': 'log' };
  for (const file of FILES) {
    for (const specifier of importsOf(file)) {
      const owner = owners[specifier];
      if (owner !== undefined) t.ok(file.path.startsWith(owner), `src/${file.path} imports ${specifier}`);
    }
  }
});

test('every file says what it owns, and is short', async (t) => {
  for (const file of FILES) {
    const first = file.text.replace(/^#!.*\n/, '');
    t.match(first, /^(\/\/|\/\*\*)/, `src/${file.path} begins with a header comment`);
    t.ok(file.text.split('\n').length <= MAX_LINES, `src/${file.path} has at most ${MAX_LINES} lines`);
  }
});

test('there are no default exports, no any and no barrels', async (t) => {
  for (const file of FILES) {
    t.notMatch(file.code, /\bexport default\b/, `src/${file.path}`);
    t.notMatch(file.code, /[:<]\s*any\b|\bas any\b/, `src/${file.path}`);
    t.notMatch(file.code, /^export \*/m, `src/${file.path}`);
  }
});
