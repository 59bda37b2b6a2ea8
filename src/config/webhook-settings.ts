// Owns the key `webhooks`: where events are sent, and with which secret they are signed.

import { z } from 'zod';
import { EVENT_TYPES, type EventType } from '../events/event-types.ts';
import { webhookKey } from '../events/webhook-signature.ts';
import type { Parsed } from './address-values.ts';
import { type CredentialFiles, firstLine, pathKey } from './credentials.ts';
import { filePath, parsedText } from './fields.ts';
import { isLoopback } from './http-url.ts';
import type { ValueFault } from './issues.ts';
import { isWeakSecret } from './secret-strength.ts';

/** A webhook of the configuration. */
export interface ConfiguredWebhook {
  /** `https://` or `http://`, normalized, unique. */
  readonly url: string;
  readonly secret: string;
  readonly events: readonly EventType[];
}

/** Each keeps events of its own in memory while its receiver is away. */
const MAX_WEBHOOKS = 16;
/** What others bill and alert by; the rest is more than most want to receive. */
const USUAL_EVENTS: EventType[] = ['allocated', 'released', 'auth-failed', 'denied'];

const webhookEntry = z
  .strictObject({
    url: parsedText(parseWebhookUrl),
    secret: z.string().optional(),
    'secret-file': filePath.optional(),
    events: z.array(z.enum(EVENT_TYPES)).min(1, 'must not be empty').default(USUAL_EVENTS),
  })
  .refine(
    (entry) => (entry.secret === undefined) !== (entry['secret-file'] === undefined),
    'needs either secret or secret-file',
  )
  .superRefine(({ secret }, context) => {
    const fault = secret === undefined ? null : judgeSecret(secret);
    if (fault !== null) context.addIssue({ code: 'custom', path: ['secret'], message: fault });
  });

/** The schema of `webhooks`. */
export const webhookSettings = z
  .array(webhookEntry)
  .max(MAX_WEBHOOKS)
  .superRefine((entries, context) => {
    const urls = entries.map(({ url }) => url);
    const again = urls.findIndex((url, index) => urls.indexOf(url) < index);
    if (again >= 0) context.addIssue({ code: 'custom', path: [again, 'url'], message: 'has an entry already' });
  })
  .describe(
    'URLs that are told of events: {url: https://…, events: [allocated, released, …]} and secret or secret-file, which signs.',
  )
  .prefault([]);

/** The webhooks of a configuration, their files read. */
export function collectWebhooks(
  entries: z.output<typeof webhookSettings>,
  files: CredentialFiles,
): { readonly webhooks: readonly ConfiguredWebhook[]; readonly faults: readonly ValueFault[] } {
  const faults: ValueFault[] = [];
  const webhooks = entries.map(({ url, secret: given, events }, index): ConfiguredWebhook => {
    const path = ['webhooks', index, 'secret-file'];
    const secret = given ?? firstLine(files.texts.get(pathKey(path)) ?? '');
    const fault = judgeSecret(secret);
    if (fault !== null) faults.push({ path, message: `its first line ${fault}` });
    return Object.freeze({ url, secret, events: Object.freeze(EVENT_TYPES.filter((type) => events.includes(type))) });
  });
  return { webhooks: Object.freeze(webhooks), faults };
}

/** One sentence for each URL at which events can be read by others. */
export function warnOfPlainWebhooks(webhooks: readonly ConfiguredWebhook[]): string[] {
  return webhooks.flatMap(({ url }, index) => {
    const { protocol, hostname, port } = new URL(url);
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    if (protocol === 'https:' || host === 'localhost' || isLoopback({ scheme: 'http', host, port: Number(port) }))
      return [];
    return `webhooks.${index}.url: http:// shows names and addresses to whoever listens on the way: use https://`;
  });
}

// The path may be a secret too: no message repeats what was written (S55).
function parseWebhookUrl(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    return { error: 'is not a URL such as https://app.example.com/hook' };
  if (url.username !== '' || url.password !== '')
    return { error: 'must have no user and password: the secret shows where events come from' };
  if (url.port === '0') return { error: 'has the port 0, which is none' };
  url.hash = '';
  return { value: url.href };
}

function judgeSecret(secret: string): string | null {
  if (webhookKey(secret) === null) return 'has no base64 behind whsec_';
  return isWeakSecret(secret) ? 'can be guessed: make one with "openssl rand -hex 32"' : null;
}
