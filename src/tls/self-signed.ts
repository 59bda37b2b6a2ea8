// Makes a self-signed server certificate (RFC 5280). Knows no files.

import { KeyObject, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import type { PemPair } from './secure-context.ts';

/** Key types of self-made certificates. */
export const SelfSignedKey = {
  RSA: 'rsa',
  P256: 'p256',
} as const;
export type SelfSignedKey = (typeof SelfSignedKey)[keyof typeof SelfSignedKey];

/** What a certificate says. */
export interface SelfSignedOptions {
  readonly keyType: SelfSignedKey;
  /** DNS names and IP addresses, at least one. */
  readonly names: readonly string[];
  /** Unix milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const RSA_2048 = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
} as const;

/**
 * Makes a key and a certificate for it. The library is loaded only here, with the polyfill that it asks for: it takes
 * 20 MB, and most starts need no new certificate.
 */
export async function makeSelfSigned(options: SelfSignedOptions): Promise<PemPair> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const algorithm = options.keyType === SelfSignedKey.RSA ? RSA_2048 : P256;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const names = options.names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }));
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=turnd',
      keys,
      signingAlgorithm: algorithm,
      notBefore: new Date(options.notBefore),
      notAfter: new Date(options.notAfter),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(names),
      ],
    },
    webcrypto,
  );
  return { certificate: `${certificate.toString('pem')}\n`, key: exportKey(keys.privateKey) };
}

function exportKey(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}
