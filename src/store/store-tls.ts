// Reads the PEM files of a store's TLS settings, and states by which name its certificate is judged. Opens no
// connection.

import { readFileSync } from 'node:fs';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { describeSystemError, StoreError } from '../errors.ts';
import { nameOf, type ServerUrl } from './store-url.ts';

/** Options of `tls.connect`, or null for a connection in the clear. Throws a StoreError for a file that is no use. */
export function readStoreTls(url: ServerUrl): ConnectionOptions | null {
  const { tls } = url;
  if (tls === null) return null;
  const read = (path: string | null): string | undefined => (path === null ? undefined : readPem(path, url));
  const name = tls.servername ?? url.host;
  const [ca, cert, key] = [read(tls.ca), read(tls.cert), read(tls.key)];
  return {
    rejectUnauthorized: tls.verify !== 'none',
    checkServerIdentity: (_host, certificate) =>
      tls.verify === 'full' ? checkServerIdentity(name, certificate) : undefined,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(tls.servername === null ? {} : { servername: tls.servername }),
  };
}

function readPem(path: string, url: ServerUrl): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (!text.includes('-----BEGIN ')) throw new Error('it holds no PEM');
    return text;
  } catch (error) {
    throw new StoreError('denied', `store ${nameOf(url)}: TLS file ${path}: ${describeSystemError(error)}`, error);
  }
}
