import { test } from 'tap';
import { formatHttpUrl } from '../../src/config/http-url.ts';
import { configOf, errorsOf, warningsOf } from './parse.ts';

const listen = (url: string): string => `metrics: {listen: ["${url}"]}\nauth: {anonymous: true}`;

test('S58 metrics are served nowhere but on the control socket unless somebody says where', async (t) => {
  t.same(configOf({}).metrics, { listen: [], path: '/metrics', coturnNames: false });
});

test('addresses of metrics are URLs', async (t) => {
  const hosts = { '127.0.0.1': '127.0.0.1', localhost: '127.0.0.1', '[::1]': '::1', '*': '*' };
  for (const [text, host] of Object.entries(hosts)) {
    const [address] = configOf({ yaml: listen(`http://${text}:9641`) }).metrics.listen;
    t.same(address, { scheme: 'http', host, port: 9641 });
  }
  t.equal(formatHttpUrl({ scheme: 'http', host: '::1', port: 1 }), 'http://[::1]:1');
});

test('what is no such URL is told with what to do', async (t) => {
  t.match(errorsOf({ yaml: listen('https://127.0.0.1:9641') }), [/the scheme must be http \(a proxy/]);
  t.match(errorsOf({ yaml: listen('http://127.0.0.1') }), [/is not a URL such as/]);
  t.match(errorsOf({ yaml: listen('http://127.0.0.1:99999') }), [/is not a port/]);
  t.match(errorsOf({ yaml: listen('http://host.example:9641') }), [/the host must be \*/]);
  t.match(errorsOf({ yaml: listen('9641') }), [/is not a URL such as/]);
  t.match(errorsOf({ yaml: 'metrics: {path: /livez}' }), [/metrics\.path.*is taken/]);
  t.match(errorsOf({ yaml: 'metrics: {path: "/a b"}' }), [/metrics\.path.*must be a path/]);
});

test('S58 an address that is not loopback is warned of', async (t) => {
  const warned = (host: string) =>
    warningsOf({ yaml: listen(`http://${host}:9641`) }).filter((w) => /^metrics/.test(w));
  for (const host of ['127.0.0.1', '[::1]', 'localhost']) t.same(warned(host), [], host);
  for (const host of ['*', '0.0.0.0', '192.0.2.1', '[2001:db8::1]'])
    t.match(warned(host), [/without a password/], host);
});
