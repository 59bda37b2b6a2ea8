// docs/install.md, tuning.md, troubleshooting.md: what they tell an operator to type and to look for is there.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { listKeys } from '../../src/config/keys.ts';
import { argumentsOf, refusal } from '../support/command-tree.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8');
const GUIDES = ['install', 'tuning', 'troubleshooting'].map((name) => ({ name, text: read(`docs/${name}.md`) }));
const SOURCES = readdirSync(`${ROOT}src`, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => read(`src/${path}`))
  .join('\n');

test('every command line of turnctl in the guides is understood', async (t) => {
  const lines = GUIDES.flatMap(({ text }) => [
    ...[...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) => block.split('\n')),
    ...[...text.matchAll(/`(turnctl [^`]+)`/g)].map(([, line = '']) => line.replaceAll('\n', ' ')),
  ]);
  const commands = lines.filter((line) => /^turnctl /.test(line)).map((line) => line.replace(/\s+#.*$/, ''));
  t.ok(commands.length > 15);
  for (const line of commands) t.equal(await refusal(argumentsOf(line)), null, line);
});

test('every event that troubleshooting names is one that turnd logs', async (t) => {
  const events = new Set([...SOURCES.matchAll(/event: '([a-z-]+)'/g)].map(([, name]) => name));
  const named = [
    'auth-failed',
    'auth-braked',
    'peer-denied',
    'scan-limited',
    'over-rate',
    'allocation-ended',
    'store-lost',
  ];
  const more = [
    'store-back',
    'log-lost',
    'worker-lost',
    'worker-replaced',
    'relay-local-only',
    'relay-address-missing',
  ];
  const text = read('docs/troubleshooting.md');
  for (const name of [...named, ...more, 'external-address', 'certificate-self-made', 'ready']) {
    t.ok(events.has(name), `turnd logs ${name}`);
    t.ok(text.includes(name), `the guide names ${name}`);
  }
});

test('every setting that the guides name exists, and every page that they link to', async (t) => {
  const keys = listKeys().map(({ name }) => name);
  for (const { name, text } of GUIDES) {
    for (const [, key = ''] of text.matchAll(/`((?:limits|relay|auth|log|peers|tls)\.[a-z-]+)[:`]/g)) {
      t.ok(keys.includes(key), `${name}: ${key}`);
    }
    for (const [, path = ''] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      t.ok(existsSync(`${ROOT}docs/${path}`), path);
  }
});
