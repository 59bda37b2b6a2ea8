// Certificates made by OpenSSL's program.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { CertificateFiles } from '../../src/tls/certificate-file.ts';
import { openssl } from '../streams/support.ts';

export interface CertificateRequest {
  /** Common name and file name. */
  readonly name: string;
  /** DNS names. */
  readonly names: readonly string[];
  readonly isEc?: boolean;
  readonly days?: number;
}

/** Makes a self-signed certificate and its key. */
export function opensslCertificate(directory: string, request: CertificateRequest): CertificateFiles {
  const certificate = join(directory, `${request.name}.crt`);
  const key = join(directory, `${request.name}.key`);
  const keyOptions = request.isEc ? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['rsa:2048'];
  const names = request.names.map((name) => `DNS:${name}`).join(',');
  const options = [
    ...['req', '-x509', '-newkey', ...keyOptions, '-nodes', '-subj', `/CN=${request.name}`],
    ...['-days', `${request.days ?? 30}`, '-addext', `subjectAltName=${names}`],
    ...['-keyout', key, '-out', certificate],
  ];
  execFileSync(openssl.path, options, { stdio: 'pipe' });
  return { certificate, key };
}
