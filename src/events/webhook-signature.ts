// How a webhook shows where it comes from: the headers of Standard Webhooks (https://www.standardwebhooks.com), version 1,
// symmetric. Pure.

import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';

/**
 * The key of a secret: the bytes of the base64 behind `whsec_`, else those of the text itself. Null for a text that has
 * the prefix and no base64.
 */
export function webhookKey(secret: string): Buffer | null {
  if (!secret.startsWith(PREFIX)) return Buffer.from(secret, 'utf8');
  const text = secret.slice(PREFIX.length);
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0 ? Buffer.from(text, 'base64') : null;
}

/** What is signed. */
export interface SignedMessage {
  /** The same whenever the message is sent again. */
  readonly id: string;
  /** When it is sent: Unix seconds. */
  readonly timestamp: number;
  readonly body: string;
}

/** The three headers. */
export function signatureHeaders(
  key: Buffer,
  { id, timestamp, body }: SignedMessage,
): Readonly<Record<string, string>> {
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${mac}` };
}
