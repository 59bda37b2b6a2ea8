// Makes a self-signed server certificate (RFC 5280). Knows no files.

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
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

const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
const RSA_BITS = 2048;

/** Makes a key and a certificate for it. The ASN.1 library is loaded only here: most starts do not need it. */
export async function makeSelfSigned(options: SelfSignedOptions): Promise<PemPair> {
  const { AsnConvert, OctetString } = await import('@peculiar/asn1-schema');
  const x509 = await import('@peculiar/asn1-x509');
  const { publicKey, privateKey } = makeKeys(options.keyType);
  const subject = new x509.Name([
    new x509.RelativeDistinguishedName([
      new x509.AttributeTypeAndValue({ type: COMMON_NAME, value: new x509.AttributeValue({ utf8String: 'turnd' }) }),
    ]),
  ]);
  const extension = (extnID: string, critical: boolean, value: unknown) =>
    new x509.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
  // RFC 5758 §3.2: no parameters with ECDSA; RFC 4055 §5: NULL with RSA.
  const algorithm =
    options.keyType === SelfSignedKey.RSA
      ? new x509.AlgorithmIdentifier({ algorithm: SHA256_WITH_RSA, parameters: null })
      : new x509.AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 });
  const body = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: serialNumber(),
    signature: algorithm,
    issuer: subject,
    subject,
    validity: new x509.Validity({ notBefore: new Date(options.notBefore), notAfter: new Date(options.notAfter) }),
    subjectPublicKeyInfo: AsnConvert.parse(publicKey, x509.SubjectPublicKeyInfo),
    extensions: new x509.Extensions([
      extension(x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: false })),
      extension(x509.id_ce_extKeyUsage, false, new x509.ExtendedKeyUsage([x509.id_kp_serverAuth])),
      extension(
        x509.id_ce_subjectAltName,
        false,
        new x509.SubjectAlternativeName(
          options.names.map((name) => new x509.GeneralName(isIP(name) === 0 ? { dNSName: name } : { iPAddress: name })),
        ),
      ),
    ]),
  });
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(body)), privateKey);
  const certificate = new x509.Certificate({
    tbsCertificate: body,
    signatureAlgorithm: algorithm,
    signatureValue: exactBuffer(signature),
  });
  return { certificate: pem(Buffer.from(AsnConvert.serialize(certificate))), key: privateKey };
}

function makeKeys(keyType: SelfSignedKey): { publicKey: Buffer; privateKey: string } {
  const publicKeyEncoding = { type: 'spki', format: 'der' } as const;
  const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const;
  return keyType === SelfSignedKey.RSA
    ? generateKeyPairSync('rsa', { modulusLength: RSA_BITS, publicKeyEncoding, privateKeyEncoding })
    : generateKeyPairSync('ec', { namedCurve: 'P-256', publicKeyEncoding, privateKeyEncoding });
}

// 127 random bits, positive and with a first byte that is not 0 (RFC 5280 §4.1.2.2).
function serialNumber(): ArrayBuffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return exactBuffer(bytes);
}

// A Buffer may be a part of a pool; the library takes whole ArrayBuffers.
function exactBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
