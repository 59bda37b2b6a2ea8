// Owns the judgement of single answers of `turnctl init`, by the schema that the whole file must pass in the end.

import { isHostName, parsePort } from '../../config/address-values.ts';
import type { Tree } from '../../config/overrides.ts';
import { configSchema } from '../../config/schema.ts';
import { parseStoreUrl } from '../../store/store-url.ts';

/** Says in one sentence why an answer will not do, or null. */
export type Judge = (answer: string) => string | null;

/** By the schema: `place` puts the answer where it belongs in the file. */
export function bySchema(place: (answer: string) => Tree): Judge {
  return (answer) => {
    const checked = configSchema.safeParse(place(answer));
    return checked.success ? null : (checked.error.issues[0]?.message ?? 'will not do');
  };
}

/** A DNS name, or nothing. */
export function judgeDomain(answer: string): string | null {
  return answer === '' || isHostName(answer) ? null : 'is not a domain name such as turn.example.com';
}

/** A port that clients can be told. */
export function judgePort(answer: string): string | null {
  const parsed = parsePort(answer);
  if ('error' in parsed) return parsed.error;
  return parsed.value === 0 ? 'must not be 0: clients need to know it' : null;
}

/** `auto`, `none`, or the URL of a store; the sentence repeats no password. */
export function judgeStore(answer: string): string | null {
  if (answer === 'auto' || answer === 'none') return null;
  const parsed = parseStoreUrl(answer, (path) => path);
  return 'error' in parsed ? parsed.error : null;
}
