// `store`, `statsdb` and `control.socket`: what they come to, and that no password of theirs is printed.

import { test } from 'tap';
import { printConfig } from '../../src/config/print-config.ts';
import { configOf, parse } from './parse.ts';

test('by default users are kept in the state directory', async (t) => {
  const { store, statsdb, control, hasCredentials } = configOf({ yaml: 'state-dir: /var/lib/my state' });
  t.same(store, { url: { kind: 'sqlite', path: '/var/lib/my state/turnd.db' }, isDefault: true });
  t.equal(statsdb, null);
  t.match(control, { socket: '/var/lib/my state/turnd.sock', isDefault: true });
  t.notOk(hasCredentials, 'nobody has asked for that store: whether it holds users remains to be seen');
});

test('a store that is named is a source of credentials', async (t) => {
  const { store, hasCredentials } = configOf({ yaml: 'store: postgres://turn:pw@db/turn' });
  t.match(store, { url: { kind: 'postgres', host: 'db', password: 'pw' }, isDefault: false });
  t.ok(hasCredentials);
  t.equal(configOf({ yaml: 'store: none' }).store, null);
});

test('the URL may stand in a file', async (t) => {
  const files = { '/cwd/url': 'redis://:secret@localhost/2\n' };
  t.match(configOf({ yaml: 'store: {url-file: /cwd/url}', files }).store?.url, { kind: 'redis', password: 'secret' });
  t.match(configOf({ env: { TURND_STATSDB_FILE: '/cwd/url' }, files }).statsdb, { kind: 'redis', database: '2' });
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

test('a wrong URL is refused with its place, its password is not repeated (S55)', async (t) => {
  const refused = parse({ yaml: 'realm: x\nstore: postgres://turn:CANARY@db' });
  t.match(refused, { ok: false, errors: [/^\/conf\/turnd\.yaml:2:8 store: the URL names no database/] });
  t.notMatch(JSON.stringify(refused), /CANARY/);
  const notRedis = parse({ yaml: 'statsdb: mysql://a:b@c/d' });
  t.match(notRedis, { ok: false, errors: [/statsdb: must be the URL of a Redis/] });
});

test('a relative path counts from the file that names it', async (t) => {
  t.same(configOf({ yaml: 'store: sqlite:turn.db' }).store?.url, { kind: 'sqlite', path: '/conf/turn.db' });
});
