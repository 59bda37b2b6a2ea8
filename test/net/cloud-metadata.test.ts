import type { RequestListener } from 'node:http';
import { type Test, test } from 'tap';
import { askMetadataServices } from '../../src/net/cloud-metadata.ts';
import * as fake from '../support/metadata-server.ts';

/** Far more than a loopback exchange takes, far less than the test's own limit. */
const AMPLE = 10_000;

async function ask(t: Test, listener: RequestListener, timeoutMs = AMPLE) {
  const server = await fake.startFake(listener);
  t.teardown(() => server.close());
  const answers = await askMetadataServices(fake.everyServiceAt(server.url), timeoutMs);
  return answers.map(({ service, mappings }) => [
    service,
    ...mappings.map((mapping) => `${mapping.private?.text ?? '*'} -> ${mapping.public.text}`),
  ]);
}

test('each service is understood, and the four others are not mistaken for it', async (t) => {
  t.strictSame(await ask(t, fake.gcp), [['gcp', '10.128.0.2 -> 35.192.0.1']]);
  t.strictSame(await ask(t, fake.aws), [['aws', '172.31.16.5 -> 54.88.1.2']]);
  t.strictSame(await ask(t, fake.azureBasic), [['azure', '10.1.0.4 -> 20.42.0.9']]);
  t.strictSame(await ask(t, fake.azureStandard), [['azure', '10.1.0.4 -> 51.0.0.1']]);
  t.strictSame(await ask(t, fake.digitalOcean), [
    ['digitalocean', '10.17.0.5 -> 104.131.20.105', '* -> 2604:a880:800:10::17d:2001'],
  ]);
  t.strictSame(await ask(t, fake.hetzner), [['hetzner', '* -> 95.217.1.2']]);
});

test('garbage is no answer', async (t) => {
  const garbage = [
    '',
    '<html>Sign in to the hotel network</html>',
    'null',
    '[]',
    '{}',
    '[null, 1, "x"]',
    '"35.192.0.1"',
    '{"interface":[[]]}',
  ];
  garbage.push(
    '[{"accessConfigs":[{"externalIp":{}}]}]',
    '{"interfaces":{"public":{"0":1}}}',
    '256.1.1.1',
    '\0'.repeat(100),
  );
  for (const text of garbage)
    t.strictSame(await ask(t, (_, response) => response.end(text)), [], JSON.stringify(text.slice(0, 40)));
});

test('an error status is no answer whatever its body says', async (t) => {
  for (const status of [204, 301, 401, 404, 500]) {
    t.strictSame(
      await ask(t, (_, response) => response.writeHead(status, { location: '/' }).end('95.217.1.2')),
      [],
      `${status}`,
    );
  }
});

test('an endless answer is cut off', async (t) => {
  const endless: RequestListener = (_, response) => {
    const pour = () => {
      while (response.writable && response.write('9'.repeat(16_384)));
    };
    response.on('drain', pour);
    pour();
  };
  t.strictSame(await ask(t, endless), []);
});

test('a service that hangs or dies costs the time given and no answer of another', async (t) => {
  const hanging = await fake.startFake(() => {});
  const trickling = await fake.startFake((_, response) => response.write('95.'));
  const dying = await fake.startFake((request) => request.socket.destroy());
  const good = await fake.startFake(fake.hetzner);
  t.teardown(() => Promise.all([hanging, trickling, dying, good].map((server) => server.close())));
  const urls = {
    gcp: hanging.url,
    aws: trickling.url,
    azure: dying.url,
    digitalocean: 'http://127.0.0.1:1',
    hetzner: good.url,
  };
  const answers = await askMetadataServices(urls, 300);
  t.strictSame(
    answers.map(({ service }) => service),
    ['hetzner'],
  );
});
