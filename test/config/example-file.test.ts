// conf/turnd.yaml says every key with its true default.

import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { parse as parseYamlText } from 'yaml';
import { type ConfigKey, listKeys } from '../../src/config/keys.ts';
import { applyOverrides } from '../../src/config/overrides.ts';
import { printConfig } from '../../src/config/print-config.ts';
import { configOf } from './parse.ts';

const TEXT = readFileSync(new URL('../../../conf/turnd.yaml', import.meta.url), 'utf8');
const UNCOMMENTED = TEXT.replace(/^#(?=[^ \n]| {2})/gm, '');

const hasDefault = ({ defaultValue }: ConfigKey): boolean => defaultValue !== undefined;

test('the example file as it stands changes nothing', async (t) => {
  t.same(
    { ...configOf({ yaml: TEXT }), configFile: null },
    { ...configOf({}), configFile: null, stateDir: '/cwd/.turnd' },
  );
});

test('every default of the schema stands in the example file, and nothing else', async (t) => {
  const defaults = listKeys().filter(hasDefault);
  const expected = applyOverrides(
    {},
    defaults.map(({ path, defaultValue }) => ({ path, value: defaultValue, source: '' })),
  );
  t.same(parseYamlText(UNCOMMENTED), expected);
});

test('keys without a default are named with an example', async (t) => {
  for (const key of listKeys().filter((candidate) => !hasDefault(candidate))) {
    t.match(TEXT, new RegExp(`# No default; for example: ${key.path.at(-1)}: /`), key.name);
  }
});

test('every key is described, and stands below its description', async (t) => {
  for (const key of listKeys()) {
    t.not(key.description, '', key.name);
    t.ok(TEXT.includes(`# ${key.description}\n`), key.name);
  }
});

test('a printed configuration is a configuration with the same effect', async (t) => {
  const printed = printConfig({ realm: 'x', relay: { address: ['127.0.0.1'] } });
  const { configFile: _, ...config } = configOf({ yaml: printed });
  const { configFile: __, ...expected } = configOf({ yaml: 'realm: x\nrelay: {address: [127.0.0.1]}' });
  t.same(config, expected);
});

test('a printed configuration holds no secret (S55)', async (t) => {
  const printed = printConfig({
    auth: {
      secrets: ['CANARY', { value: 'CANARY' }, { 'value-file': '/s' }],
      users: ['a:CANARY:CANARY', { name: 'b', password: 'CANARY' }, { name: 'c', key: 'CANARY' }],
    },
    tls: { certificates: [{ certificate: '/c', key: '/k', passphrase: 'CANARY' }] },
  });
  t.notMatch(printed, /CANARY/);
  t.match(printed, /value-file: \/s/);
  t.match(printed, /key: \/k/, 'the path of a TLS key is no secret');
});
