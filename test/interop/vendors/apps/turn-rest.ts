// An app of a service that speaks the TURN REST draft (draft-uberti-behave-turn-rest-00 §2).

import { answer } from './answer.ts';

const { TURN_API, TURN_REST_KEY = '' } = process.env;

const query = new URLSearchParams({ service: 'turn', username: 'mbzrxpgjys', key: TURN_REST_KEY });
const response = await fetch(`${TURN_API}/turn?${query}`);
const turn = (await response.json()) as { username: string; password: string; ttl: number; uris: string[] };
answer(
  response.ok
    ? { iceServers: [{ urls: turn.uris, username: turn.username, credential: turn.password }] }
    : { status: response.status, error: turn },
);
