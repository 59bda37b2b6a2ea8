// Makes throw-away certificates for TLS servers in tests. Knows nothing of who serves or trusts them.

import 'reflect-metadata';
import { createHash, webcrypto, X509Certificate } from 'node:crypto';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

/** A certificate and its key in PEM, and the pin by which Chromium is told to trust it. */
export interface SelfMadeCertificate {
  readonly certificate: string;
  readonly key: string;
  /** Base64 of the SHA-256 of the public key (SubjectPublicKeyInfo, DER). */
  readonly publicKeyHash: string;
}

/** A P-256 certificate for an IP address, valid from yesterday until tomorrow. */
export async function makeCertificate(address: string): Promise<SelfMadeCertificate> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const made = await X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${address}`,
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + DAY_MS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: address }])],
    },
    webcrypto,
  );
  const certificate = made.toString('pem');
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
  return { certificate, key, publicKeyHash: hashPublicKey(certificate) };
}

/** The pin of a PEM certificate: base64 of the SHA-256 of its public key. */
export function hashPublicKey(certificate: string): string {
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64');
}
