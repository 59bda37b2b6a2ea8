import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { StreamGroup } from '../../src/streams/stream-group.ts';
import { StreamMode } from '../../src/streams/stream-listener.ts';
import { CertificateError } from '../../src/tls/certificate-error.ts';
import { type CertificateFiles, loadCertificate } from '../../src/tls/certificate-file.ts';
import type { CertificateStore } from '../../src/tls/certificate-store.ts';
import { TlsAcceptor } from '../../src/tls/tls-acceptor.ts';
import {
  FakeEngine,
  ManualClock,
  OpensslClient,
  openStore,
  openssl,
  ownLimits,
  unexpected,
} from '../streams/support.ts';
import { opensslCertificate } from './support.ts';

const { skip } = openssl;

async function serve(t: Test, store: CertificateStore): Promise<number> {
  const clock = new ManualClock();
  const tls = new TlsAcceptor(store, clock, 10);
  const group = new StreamGroup({ clock, handler: new FakeEngine(), tls, report: unexpected, limits: ownLimits() });
  t.teardown(() => group.close());
  return (await group.listen({ mode: StreamMode.TLS, host: '127.0.0.1', port: 0 })).local.port;
}

// The subject that s_client is shown.
async function subject(t: Test, port: number, options: readonly string[]): Promise<string> {
  const client = new OpensslClient(t, port, [...options, '-ign_eof']);
  return /subject=CN = (\S+)/.exec(await client.printed('Verify return code'))?.[1] ?? '';
}

test('the certificate is chosen by server name: exact, wildcard, else the first', { skip }, async (t) => {
  const directory = t.testdir();
  const files = [
    opensslCertificate(directory, { name: 'first', names: ['a.example'] }),
    opensslCertificate(directory, { name: 'star', names: ['*.b.example'] }),
    opensslCertificate(directory, { name: 'exact', names: ['turn.b.example'] }),
  ];
  const port = await serve(t, openStore(files));
  t.equal(await subject(t, port, ['-servername', 'a.example']), 'first');
  t.equal(await subject(t, port, ['-servername', 'TURN.B.example']), 'exact');
  t.equal(await subject(t, port, ['-servername', 'x.b.example']), 'star');
  t.equal(await subject(t, port, ['-servername', 'y.x.b.example']), 'first', 'a wildcard is one label');
  t.equal(await subject(t, port, ['-servername', 'other.example']), 'first');
  t.equal(await subject(t, port, ['-noservername']), 'first');
});

test('an RSA and an ECDSA certificate serve one name, as the client can', { skip }, async (t) => {
  const directory = t.testdir();
  const files = [
    opensslCertificate(directory, { name: 'rsa', names: ['a.example'] }),
    opensslCertificate(directory, { name: 'ecdsa', names: ['a.example'], isEc: true }),
  ];
  const port = await serve(t, openStore(files));
  for (const name of [['-servername', 'a.example'], ['-noservername']]) {
    t.equal(await subject(t, port, [...name, '-sigalgs', 'RSA-PSS+SHA256']), 'rsa');
    t.equal(await subject(t, port, [...name, '-sigalgs', 'ECDSA+SHA256']), 'ecdsa');
  }
});

test('where names differ, one key type that all have is served, so that no name gets another one’s', {
  skip,
}, async (t) => {
  const directory = t.testdir();
  const files = [
    opensslCertificate(directory, { name: 'first-rsa', names: ['a.example'] }),
    opensslCertificate(directory, { name: 'first-ec', names: ['a.example'], isEc: true }),
    opensslCertificate(directory, { name: 'second-rsa', names: ['b.example'] }),
  ];
  const store = openStore(files);
  t.match(store.warnings, [/first-ec\S* is not served/]);
  const port = await serve(t, store);
  t.equal(await subject(t, port, ['-servername', 'b.example']), 'second-rsa');
  t.equal(await subject(t, port, ['-servername', 'a.example']), 'first-rsa');
  const mixed = files.slice(1);
  t.throws(() => openStore(mixed), { code: 'TURN_CERTIFICATE', message: /one key type in common/ });
});

test('a reload serves new certificates, and a bad pair keeps the old ones', { skip }, async (t) => {
  const directory = t.testdir();
  const old = opensslCertificate(directory, { name: 'old', names: ['a.example'] });
  const fresh = opensslCertificate(directory, { name: 'new', names: ['a.example'] });
  const store = openStore([old]);
  const port = await serve(t, store);
  t.equal(await subject(t, port, []), 'old');
  copyFileSync(fresh.key, old.key);
  const message = `${old.key} is not the key of the certificate in ${old.certificate}`;
  t.throws(() => store.reload(), { code: 'TURN_CERTIFICATE', message });
  t.equal(await subject(t, port, []), 'old');
  copyFileSync(fresh.certificate, old.certificate);
  store.reload();
  t.equal(await subject(t, port, []), 'new');
  t.equal(store.certificates[0]?.names[0], 'a.example');
});

test('a pair that cannot be served is named with what is wrong', { skip }, async (t) => {
  const directory = t.testdir({
    empty: '',
    'damaged.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  });
  const good = opensslCertificate(directory, { name: 'good', names: ['a.example'] });
  const path = (name: string): string => join(directory, name);
  writeFileSync(path('damaged.key'), '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
  writeFileSync(
    path('locked.key'),
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
  );
  const cases: [CertificateFiles, string][] = [
    [{ ...good, certificate: path('none.crt') }, `${path('none.crt')} cannot be read: no such file or directory`],
    [{ ...good, key: directory }, `${directory} cannot be read: it is a directory`],
    [{ ...good, certificate: path('empty') }, `${path('empty')} holds no PEM certificate`],
    [{ ...good, key: good.certificate }, `${good.certificate} holds no PEM private key`],
    [{ ...good, certificate: path('damaged.crt') }, `${path('damaged.crt')} holds a damaged certificate`],
    [{ ...good, key: path('damaged.key') }, `${path('damaged.key')} holds a damaged private key`],
    [{ ...good, key: path('locked.key') }, `${path('locked.key')} is encrypted`],
    [
      { ...good, key: path('locked.key'), passphrase: 'x' },
      `${path('locked.key')} holds a damaged private key, or its passphrase is wrong`,
    ],
  ];
  for (const [files, message] of cases) {
    try {
      openStore([files]);
      t.fail(message);
    } catch (error) {
      t.type(error, CertificateError);
      t.ok((error as Error).message.startsWith(message), (error as Error).message);
    }
  }
});

test('an expired certificate and one that is not valid yet are served with a warning', { skip }, async (t) => {
  const files = opensslCertificate(t.testdir(), { name: 'good', names: ['a.example'], days: 10 });
  const warningsAt = (time: number): readonly string[] => loadCertificate(files, time).warnings;
  t.strictSame(warningsAt(Date.now()), []);
  t.match(warningsAt(Date.now() + 11 * 86_400_000), [/good\.crt expired on /]);
  t.match(warningsAt(Date.now() - 86_400_000), [/good\.crt is valid from /]);
});

test('an encrypted key is served with its passphrase', { skip }, async (t) => {
  const directory = t.testdir();
  const good = opensslCertificate(directory, { name: 'good', names: ['a.example'] });
  const key = join(directory, 'locked.key');
  execFileSync(openssl.path, ['pkey', '-in', good.key, '-aes256', '-passout', 'pass:secret', '-out', key]);
  const port = await serve(t, openStore([{ ...good, key, passphrase: 'secret' }]));
  t.equal(await subject(t, port, []), 'good');
});

test('TLS 1.2 may be switched off', { skip }, async (t) => {
  const files = [opensslCertificate(t.testdir(), { name: 'good', names: ['a.example'] })];
  const port = await serve(t, openStore(files, { minVersion: '1.3' }));
  t.equal(await subject(t, port, []), 'good');
  const refused = new OpensslClient(t, port, ['-tls1_2', '-ign_eof']);
  t.match(await refused.ended(), 'alert protocol version');
});

test('two stores with the same ticket keys resume sessions of each other', { skip }, async (t) => {
  const directory = t.testdir();
  const files = [opensslCertificate(directory, { name: 'good', names: ['a.example'] })];
  const ticketKeys = Buffer.alloc(48, 7);
  const [one, two] = [openStore(files, { ticketKeys }), openStore(files, { ticketKeys })];
  const session = join(directory, 'session');
  await subject(t, await serve(t, one), ['-tls1_2', '-sess_out', session]);
  const client = new OpensslClient(t, await serve(t, two), ['-tls1_2', '-sess_in', session, '-ign_eof']);
  await client.printed('Reused, TLSv1.2');
});

test('a certificate file may hold its chain', { skip }, async (t) => {
  const directory = t.testdir();
  const issuer = opensslCertificate(directory, { name: 'issuer', names: ['issuer.example'] });
  const leaf = opensslCertificate(directory, { name: 'leaf', names: ['a.example'] });
  const chain = readFileSync(leaf.certificate, 'utf8') + readFileSync(issuer.certificate, 'utf8');
  writeFileSync(leaf.certificate, chain);
  const port = await serve(t, openStore([leaf]));
  const client = new OpensslClient(t, port, ['-showcerts', '-ign_eof']);
  const printed = await client.printed('Verify return code');
  t.match(printed, / 0 s:CN = leaf[\s\S]* 1 s:CN = issuer/);
});
