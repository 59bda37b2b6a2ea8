// What the credential APIs answer, key by key, as the services document it: an answer with another key, or without one,
// is none of theirs.

import { z } from 'zod';

const text = z.string();
const list = z.array(text);
const login = { username: text, credential: text };
const stun = z.strictObject({ urls: list });

/** turnd's own `POST /v1/credentials`. */
export const ownShape = z.strictObject({
  iceServers: z.tuple([stun, z.strictObject({ urls: list, ...login })]),
  expiresAt: z.int(),
});

/** Cloudflare's `generate-ice-servers`. */
export const cloudflareShape = z.strictObject({
  iceServers: z.tuple([stun, z.strictObject({ urls: list, ...login })]),
});

/** Cloudflare's older `generate`. */
export const cloudflareOneShape = z.strictObject({ iceServers: z.strictObject({ urls: list, ...login }) });

/** Twilio's token. */
export const twilioShape = z.strictObject({
  ...{ account_sid: text, username: text, password: text, ttl: text, date_created: text, date_updated: text },
  ice_servers: z.array(
    z.strictObject({ url: text, urls: text, username: text.optional(), credential: text.optional() }),
  ),
});

/** Xirsys with `format: "urls"`. */
export const xirsysShape = z.strictObject({
  v: z.strictObject({ iceServers: z.strictObject({ urls: list, ...login }) }),
  s: z.literal('ok'),
});

/** Xirsys without it, for a server with one STUN and one TURN URL. */
export const xirsysLegacyShape = z.strictObject({
  v: z.strictObject({ iceServers: z.tuple([z.strictObject({ url: text }), z.strictObject({ url: text, ...login })]) }),
  s: z.literal('ok'),
});

/** Metered's credential. */
export const meteredShape = z.strictObject({
  ...{ username: text, password: text, expiryInSeconds: z.int(), label: text.optional(), apiKey: text },
});

/** Metered's list. */
export const meteredListShape = z.tuple(
  [z.strictObject({ urls: text }), z.strictObject({ urls: text, ...login })],
  z.strictObject({ urls: text, ...login }),
);

/** The TURN REST draft. */
export const restShape = z.strictObject({ username: text, password: text, ttl: z.int(), uris: list });
