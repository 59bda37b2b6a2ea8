// An app of Cloudflare Realtime TURN, with the request of its documentation.

import type { AppIceServer } from '../../../support/ice-relay.ts';
import { answer } from './answer.ts';

const { TURN_API, TURN_KEY_ID, TURN_KEY_API_TOKEN } = process.env;

const response = await fetch(`${TURN_API}/v1/turn/keys/${TURN_KEY_ID}/credentials/generate-ice-servers`, {
  method: 'POST',
  headers: { Authorization: `Bearer ${TURN_KEY_API_TOKEN}`, 'Content-Type': 'application/json' },
  body: JSON.stringify({ ttl: 86_400 }),
});
const result = (await response.json()) as { iceServers: AppIceServer[] };
answer(response.ok ? { iceServers: result.iceServers } : { status: response.status, error: result });
