import { test } from 'tap';
import { backendsOf } from '../../src/server/backend-setup.ts';
import { configOf } from '../config/parse.ts';

const backends = (yaml: string) => backendsOf(configOf({ yaml: `auth: {secrets: [0123456789abcdef]}\n${yaml}` }));

test('S36 the hosts of store and statsdb are backends, with the ports that they are called at', async (t) => {
  t.same(backends('store: "postgres://u:p@db.example/turn"\nstatsdb: "redis://:p@[2a00::7]:6380/0"\n'), [
    { host: 'db.example', port: 5432 },
    { host: '2a00::7', port: 6380 },
  ]);
  t.same(backends('store: "mysql://u:p@198.51.99.7/turn"\n'), [{ host: '198.51.99.7', port: 3306 }]);
  t.same(backends('store: "rediss://u:p@redis.example"\n'), [{ host: 'redis.example', port: 6379 }]);
});

test('S59 the addresses of metrics are nobody’s peers, whatever is allowed', async (t) => {
  t.same(backends('metrics: {listen: ["http://127.0.0.1:9641", "http://*:9642", "http://[::1]:0"]}\n'), [
    { scheme: 'http', host: '127.0.0.1', port: 9641 },
  ]);
});

test('S36 the hosts of webhooks are backends', async (t) => {
  const entry = (url: string): string => `{url: '${url}', secret: 5f0c2d7be1a842523f9c0d7be1a84252}`;
  const urls = ['https://app.example/x', 'http://app.example/y', 'https://[2a00::7]:8443/', 'http://198.51.99.7/?a=1'];
  t.same(backends(`webhooks: [${urls.map(entry).join(', ')}]\n`), [
    { host: 'app.example', port: 443 },
    { host: 'app.example', port: 80 },
    { host: '2a00::7', port: 8443 },
    { host: '198.51.99.7', port: 80 },
  ]);
});

test('S36 what is in a file or behind a Unix socket is nowhere in the network', async (t) => {
  t.same(backends(''), []);
  t.same(backends('store: none\n'), []);
  t.same(backends('store: "postgres://u:p@localhost/turn?socket=/run/postgresql"\n'), []);
});
