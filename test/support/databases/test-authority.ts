// Makes a certificate authority, a server certificate for 127.0.0.1 by it, and one that has nothing to do with either,
// with OpenSSL's program. Knows no server.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of PEM files. */
export interface TestAuthority {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** The certificate of another authority. */
  readonly otherCa: string;
}

/** Writes them into `directory`. The server's certificate names 127.0.0.1 and `db.example.org`. */
export function makeTestAuthority(directory: string): TestAuthority {
  makeCa(directory, 'ca');
  makeCa(directory, 'other');
  const at = (name: string): string => join(directory, name);
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1,DNS:db.example.org\n');
  openssl([
    ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=db.example.org'],
    ...['-keyout', at('server.key'), '-out', at('server.csr')],
  ]);
  openssl([
    ...['x509', '-req', '-in', at('server.csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial'],
    ...['-days', '2', '-extfile', at('names'), '-out', at('server.crt')],
  ]);
  return { ca: at('ca.crt'), otherCa: at('other.crt'), certificate: at('server.crt'), key: at('server.key') };
}

function makeCa(directory: string, name: string): void {
  const file = join(directory, name);
  openssl([
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name} CA`],
    ...['-days', '2', '-keyout', `${file}.key`, '-out', `${file}.crt`],
  ]);
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
