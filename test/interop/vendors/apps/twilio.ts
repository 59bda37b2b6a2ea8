// An app of Twilio's Network Traversal Service, on Twilio's own SDK.

import twilio from 'twilio';
import type { AppIceServer } from '../../../support/ice-relay.ts';
import { answer } from './answer.ts';

const { TURN_API = '', TWILIO_ACCOUNT_SID = '', TWILIO_AUTH_TOKEN = '' } = process.env;

const client = twilio(TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN);
client.api.baseUrl = TURN_API;
try {
  const token = await client.tokens.create();
  answer({ iceServers: token.iceServers as unknown as AppIceServer[] });
} catch (error) {
  const { status, code, message } = error as { status: number; code: number; message: string };
  answer({ status, error: { code, message } });
}
