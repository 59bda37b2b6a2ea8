// Owns what tokens of the control API are in a configuration: their scopes, their form, and the hash that is kept of them.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { filePath } from './fields.ts';
import { isWeakSecret } from './secret-strength.ts';

/**
 * What a token may do: `credentials` = ask for time-limited TURN credentials, and nothing else; `read` = look at
 * everything that is no secret; `admin` = everything.
 */
export const SCOPES = Object.freeze(['credentials', 'read', 'admin'] as const);

/** One of {@link SCOPES}. */
export type Scope = (typeof SCOPES)[number];

/** A token of the configuration file: enough to know it again, not enough to use it. */
export interface ConfiguredToken {
  /** Unique. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** {@link tokenHash} of its text. */
  readonly hash: string;
}

/** What the name of a token may be. */
export const TOKEN_NAME = /^[a-z0-9][a-z0-9._@-]{0,63}$/i;

/** What is kept of a token: SHA-256, 64 hexadecimal digits. */
export function tokenHash(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** Why a text is no good token, or null. It never says what the text is. */
export function judgeToken(text: string): string | null {
  if (!/^[\x21-\x7e]{1,1024}$/.test(text)) return 'must be up to 1024 printable ASCII characters without spaces';
  return isWeakSecret(text) ? 'can be guessed: make one with "openssl rand -hex 32"' : null;
}

/** An entry of `control.tokens`. */
export const tokenEntry = z
  .strictObject({
    name: z.string().regex(TOKEN_NAME, 'must have up to 64 letters, digits, and . _ @ - inside'),
    scopes: z.array(z.enum(SCOPES)).min(1, 'must not be empty'),
    token: z.string().optional(),
    'token-file': filePath.optional(),
    'token-hash': z
      .string()
      .regex(/^[0-9a-f]{64}$/i, 'must be the 64 hexadecimal digits of SHA-256')
      .optional(),
  })
  .refine(
    (entry) => [entry.token, entry['token-file'], entry['token-hash']].filter((one) => one !== undefined).length === 1,
    'needs exactly one of token, token-file and token-hash',
  )
  .superRefine(({ token }, context) => {
    const fault = token === undefined ? null : judgeToken(token);
    if (fault !== null) context.addIssue({ code: 'custom', path: ['token'], message: fault });
  });

/** An entry as the schema returns it. */
export type TokenEntry = z.output<typeof tokenEntry>;
