// Answers the workers' questions about users: the sources with their secrets live in main.

import type { CredentialLookup } from '../auth/credential-source.ts';
import { whenReady } from '../turn/awaitable.ts';
import type { Awaitable, Credential, Credentials } from '../turn/env.ts';
import type { CallHandlers } from './calls.ts';
import type { MainCalls, WireCredential, WireLookup } from './messages.ts';

/** The handlers of `credential` and `userhash`. */
export function credentialHandlers(credentials: Credentials): Pick<CallHandlers<MainCalls>, 'credential' | 'userhash'> {
  return {
    credential: ({ username, realm }): Awaitable<WireLookup> => whenReady(credentials.find(username, realm), toWire),
    userhash: ({ hash, realm }) => credentials.usernameOf(Buffer.from(hash, 'hex'), realm),
  };
}

function toWire(lookup: CredentialLookup): WireLookup {
  if (typeof lookup === 'string') return { refusal: lookup };
  const expiries = lookup.flatMap(({ expiresAt }) => expiresAt ?? []);
  return { candidates: lookup.map(encode), expiresAt: expiries.length === 0 ? null : Math.min(...expiries) };
}

function encode({ md5Key, sha256Key, expiresAt: _, ...rest }: Credential): WireCredential {
  const sha256 = sha256Key === null ? null : sha256Key.toString('base64');
  return { ...rest, md5Key: md5Key.toString('base64'), sha256Key: sha256 };
}
