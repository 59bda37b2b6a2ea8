// The foreign vectors of test/fixtures/vectors.json, read as they are. Knows nothing of src/.

import { readFileSync } from 'node:fs';

/** One vector; which fields it has depends on its kind. */
export interface Vector {
  readonly name: string;
  readonly source: string;
  readonly kind: 'stun' | 'stun-classic' | 'channeldata' | 'key' | 'oauth-token' | 'proxy';
  readonly hex?: string;
  readonly checks?: {
    readonly lengthFieldOk?: boolean;
    readonly messageIntegrity?: boolean;
    readonly messageIntegritySha256?: boolean;
    readonly fingerprint?: boolean;
  };
  readonly credential?: string;
  readonly transactionId?: string;
  readonly paddingByte?: string;
  readonly software?: string;
  readonly username?: string;
  readonly userhash?: string;
  readonly password?: string;
  readonly realm?: string;
  readonly nonce?: string;
  readonly secret?: string;
  readonly cookie?: string;
  readonly keyAlg?: 'MD5' | 'SHA-256';
  readonly keyHex?: string;
  readonly passwordAlgorithm?: string;
  readonly passwordAlgorithms?: readonly string[];
  readonly priority?: string;
  readonly iceControlled?: string;
  readonly mappedAddress?: string;
  readonly mappedPort?: number;
  readonly relayed?: readonly string[];
  readonly peers?: readonly string[];
  readonly lifetime?: number;
  readonly channel?: string;
  readonly connectionId?: string;
  readonly changeRequest?: string;
  readonly data?: string;
  readonly icmp?: { readonly type: number; readonly code: number; readonly mtu: number };
}

/** The project's root directory, from compiled and from source files alike. */
export const projectRoot: URL = new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url);

/** A file of test/fixtures as text. */
export function readFixture(path: string): string {
  return readFileSync(new URL(`test/fixtures/${path}`, projectRoot), 'utf8');
}

/** All vectors. */
export function readVectors(): readonly Vector[] {
  return JSON.parse(readFixture('vectors.json'));
}

/** The vector of this name. */
export function vectorNamed(name: string): Vector & { readonly hex: string } {
  const vector = readVectors().find((one) => one.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return { ...vector, hex: vector.hex ?? '' };
}
