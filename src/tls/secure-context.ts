// What TLS this server speaks (RFC 8489 §6.2.3, BCP 195): versions, suites, curves, ALPN. Knows no files and no sockets.

import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

/** ALPN protocol names that are selected when offered (RFC 7443 §4). */
export const ALPN_PROTOCOLS: readonly string[] = ['stun.turn', 'stun.nat-discovery'];

// AEAD and forward secrecy only. The two suites that RFC 8489 §6.2.3 makes mandatory are ECDHE-RSA and DHE-RSA with
// AES128-GCM; finite-field DHE is the last choice because it costs the server most.
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'DHE-RSA-AES128-GCM-SHA256',
  'DHE-RSA-AES256-GCM-SHA384',
].join(':');

/** A certificate with its chain, and its key, as PEM. */
export interface PemPair {
  readonly certificate: string;
  readonly key: string;
}

/** What all contexts of a server share. */
export interface ContextOptions {
  readonly minVersion: '1.2' | '1.3';
  /** 48 bytes shared by workers so that each can resume the other's sessions; null = keys of its own. */
  readonly ticketKeys: Buffer | null;
}

/**
 * A context for one or more certificates of different key types, of which OpenSSL takes the one that suits the client.
 * @throws OpenSSL's error for what it does not accept
 */
export function openSecureContext(pairs: readonly PemPair[], options: ContextOptions): SecureContext {
  const { minVersion, ticketKeys } = options;
  return createSecureContext({
    cert: pairs.map((pair) => pair.certificate),
    key: pairs.map((pair) => pair.key),
    minVersion: `TLSv${minVersion}`,
    ciphers: CIPHERS,
    honorCipherOrder: true,
    // Well-known safe groups of the size that suits the key.
    dhparam: 'auto',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
    ...(ticketKeys === null ? {} : { ticketKeys }),
  });
}
