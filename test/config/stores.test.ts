// `store`, `statsdb` and `control.socket`: what they come to, and that no password of theirs is printed.

import { test } from 'tap';
import { printConfig } from '../../src/config/print-config.ts';
import { configOf, parse } from './parse.ts';

test('by default users are kept in the state directory', async (t) => {
  const { store, statsdb, control, hasCredentials } = configOf({ yaml: 'state-dir: /var/lib/my state' });
  t.same(store, { url: 'sqlite:///var/lib/my%20state/turnd.db', isDefault: true });
  t.equal(statsdb, null);
  t.same(control, { socket: '/var/lib/my state/turnd.sock' });
  t.notOk(hasCredentials, 'nobody has asked for that store: whether it holds users remains to be seen');
});

test('a store that is named is a source of credentials', async (t) => {
  const { store, hasCredentials } = configOf({ yaml: 'store: postgres://turn:pw@db/turn' });
  t.same(store, { url: 'postgres://turn:pw@db/turn', isDefault: false });
  t.ok(hasCredentials);
  t.equal(configOf({ yaml: 'store: none' }).store, null);
});

test('the URL may stand in a file', async (t) => {
  const files = { '/cwd/url': 'redis://:secret@localhost/2\n' };
  t.equal(configOf({ yaml: 'store: {url-file: /cwd/url}', files }).store?.url, 'redis://:secret@localhost/2');
  t.equal(configOf({ env: { TURND_STATSDB_FILE: '/cwd/url' }, files }).statsdb, 'redis://:secret@localhost/2');
  const missing = parse({ yaml: 'store: {url-file: /cwd/gone}' });
  t.match(missing, { ok: false, errors: [/store\.url-file: cannot read \/cwd\/gone: no such file/] });
});

test('the control socket lies where systemd says, else in the state directory', async (t) => {
  t.equal(configOf({ env: { RUNTIME_DIRECTORY: '/run/turnd' } }).control.socket, '/run/turnd/turnd.sock');
  t.equal(configOf({ yaml: 'control: {socket: none}' }).control.socket, null);
  t.equal(configOf({ yaml: 'control: {socket: my.sock}' }).control.socket, '/conf/my.sock');
});

test('a printed configuration holds no password of a store (S55)', async (t) => {
  const printed = printConfig({
    store: 'postgres://turn:CANARY@db/turn?sslmode=require&password=CANARY',
    statsdb: 'redis://:CANARY@host:6379/0',
  });
  t.notMatch(printed, /CANARY/);
  t.match(printed, /store: postgres:\/\/\*\*\*@db\/turn\?sslmode=require/);
});
