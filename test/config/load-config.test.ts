// The search for the configuration file.

import { test } from 'tap';
import { loadConfig } from '../../src/config/load-config.ts';
import { fakeFiles } from './fake-files.ts';

const FILES = {
  '/given.yaml': 'realm: given',
  '/env.yaml': 'realm: env',
  '/cwd/turnd.yaml': 'realm: here',
  '/etc/turnd/turnd.yaml': 'realm: etc',
};

/** The realm that is in effect, or the faults. */
function load(files: Readonly<Record<string, string>>, configFile: string | null, variable = ''): unknown {
  const env = { TURND_CONFIG: variable };
  const result = loadConfig({ flags: [], configFile, env, cwd: '/cwd', reader: fakeFiles(files) });
  return result.ok ? [result.config.realm, result.config.configFile] : result.errors;
}

test('--config comes first, then $TURND_CONFIG, ./turnd.yaml and /etc/turnd/turnd.yaml', async (t) => {
  t.same(load(FILES, '../given.yaml', '/env.yaml'), ['given', '/given.yaml']);
  t.same(load(FILES, null, '../env.yaml'), ['env', '/env.yaml']);
  t.same(load(FILES, null), ['here', '/cwd/turnd.yaml']);
  t.same(load({ '/etc/turnd/turnd.yaml': 'realm: etc' }, null), ['etc', '/etc/turnd/turnd.yaml']);
  t.same(load({}, null), ['turnd', null]);
});

test('a file that was asked for and is not there is an error', async (t) => {
  t.same(load({}, '/x.yaml'), ['--config: cannot read /x.yaml: no such file or directory']);
  t.same(load({}, null, '/x.yaml'), ['TURND_CONFIG: cannot read /x.yaml: no such file or directory']);
});

test('a file that is there and cannot be read is not passed over', async (t) => {
  const files = { '/cwd/turnd.yaml': 'EACCES', '/etc/turnd/turnd.yaml': 'realm: etc' };
  t.same(load(files, null), ['cannot read /cwd/turnd.yaml: permission denied']);
});

test('an unreadable file hides no other fault', async (t) => {
  const flags = [{ path: ['workers'], value: 'x', source: '--workers' }];
  const result = loadConfig({ flags, configFile: '/x', env: {}, cwd: '/', reader: fakeFiles({}) });
  t.same(result.ok ? [] : result.errors, [
    '--config: cannot read /x: no such file or directory',
    '--workers: expected auto or a number from 0 to 250',
  ]);
});
