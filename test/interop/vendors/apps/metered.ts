// An app of Metered: its back end makes a credential, its page fetches the list with the key of that credential.

import type { AppIceServer } from '../../../support/ice-relay.ts';
import { answer } from './answer.ts';

const { TURN_API, METERED_SECRET_KEY } = process.env;

const made = await fetch(`${TURN_API}/api/v1/turn/credential?secretKey=${METERED_SECRET_KEY}`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ expiryInSeconds: 3600, label: 'shop' }),
});
const credential = (await made.json()) as { apiKey: string };
if (made.ok) {
  const response = await fetch(`${TURN_API}/api/v1/turn/credentials?apiKey=${credential.apiKey}`);
  answer({ iceServers: (await response.json()) as AppIceServer[] });
} else {
  answer({ status: made.status, error: credential });
}
