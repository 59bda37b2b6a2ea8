import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { StreamGroup } from '../../src/streams/stream-group.ts';
import { StreamMode } from '../../src/streams/stream-listener.ts';
import { CertificateError } from '../../src/tls/certificate-error.ts';
import type { CertificateFiles } from '../../src/tls/certificate-file.ts';
import { CertificateStore } from '../../src/tls/certificate-store.ts';
import { TlsAcceptor } from '../../src/tls/tls-acceptor.ts';
import { FakeEngine, ManualClock, OpensslClient, opensslMissing } from '../streams/support.ts';
import { opensslCertificate } from './support.ts';

const skip = opensslMissing();

function open(files: readonly CertificateFiles[]): CertificateStore {
  return new CertificateStore({ files, wallTime: Date.now, minVersion: '1.2', ticketKeys: null });
}

async function serve(t: Test, store: CertificateStore): Promise<number> {
  const clock = new ManualClock();
  const group = new StreamGroup({ clock, handler: new FakeEngine(), tls: new TlsAcceptor(store, clock, 10) });
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
  const port = await serve(t, open(files));
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
    opensslCertificate(directory, { name: 'ecdsa', names: ['a.example', 'c.example'], isEc: true }),
  ];
  const port = await serve(t, open(files));
  for (const name of [['-servername', 'a.example'], ['-noservername']]) {
    t.equal(await subject(t, port, [...name, '-sigalgs', 'RSA-PSS+SHA256']), 'rsa');
    t.equal(await subject(t, port, [...name, '-sigalgs', 'ECDSA+SHA256']), 'ecdsa');
  }
});

test('a reload serves new certificates, and a bad pair keeps the old ones', { skip }, async (t) => {
  const directory = t.testdir();
  const old = opensslCertificate(directory, { name: 'old', names: ['a.example'] });
  const fresh = opensslCertificate(directory, { name: 'new', names: ['a.example'] });
  const store = open([old]);
  const port = await serve(t, store);
  t.equal(await subject(t, port, []), 'old');
  copyFileSync(fresh.key, old.key);
  t.throws(
    () => store.reload(),
    new CertificateError(old.key, `is not the key of the certificate in ${old.certificate}`),
  );
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
    [{ ...good, certificate: path('none.crt') }, `${path('none.crt')} cannot be read: ENOENT`],
    [{ ...good, key: directory }, `${directory} cannot be read: EISDIR`],
    [{ ...good, certificate: path('empty') }, `${path('empty')} holds no PEM certificate`],
    [{ ...good, key: good.certificate }, `${good.certificate} holds no PEM private key`],
    [{ ...good, certificate: path('damaged.crt') }, `${path('damaged.crt')} holds a damaged certificate`],
    [{ ...good, key: path('damaged.key') }, `${path('damaged.key')} holds a damaged private key`],
    [{ ...good, key: path('locked.key') }, `${path('locked.key')} is encrypted`],
  ];
  for (const [files, message] of cases) {
    try {
      open([files]);
      t.fail(message);
    } catch (error) {
      t.type(error, CertificateError);
      t.ok((error as Error).message.startsWith(message), (error as Error).message);
    }
  }
});

test('an expired certificate and a key that all may read are warnings', { skip }, async (t) => {
  const directory = t.testdir();
  const files = opensslCertificate(directory, { name: 'good', names: ['a.example'], days: 10 });
  chmodSync(files.key, 0o600);
  t.strictSame(open([files]).warnings, []);
  const later = new CertificateStore({
    files: [files],
    wallTime: () => Date.now() + 11 * 86_400_000,
    minVersion: '1.2',
    ticketKeys: null,
  });
  t.match(later.warnings, [/good\.crt expired on /]);
  chmodSync(files.key, 0o644);
  t.match(open([files]).warnings, [/good\.key is readable by every user/]);
});

test('a certificate file may hold its chain', { skip }, async (t) => {
  const directory = t.testdir();
  const issuer = opensslCertificate(directory, { name: 'issuer', names: ['issuer.example'] });
  const leaf = opensslCertificate(directory, { name: 'leaf', names: ['a.example'] });
  const chain = readFileSync(leaf.certificate, 'utf8') + readFileSync(issuer.certificate, 'utf8');
  writeFileSync(leaf.certificate, chain);
  const port = await serve(t, open([leaf]));
  const client = new OpensslClient(t, port, ['-showcerts', '-ign_eof']);
  const printed = await client.printed('Verify return code');
  t.match(printed, / 0 s:CN = leaf[\s\S]* 1 s:CN = issuer/);
});
