// Reads the event stream of a running turnd, bounded in the time until it answers and in silence. Knows no event.

import type { IncomingMessage } from 'node:http';
import type { ServerEvent } from '../events/event-schemas.ts';
import { type ControlAddress, parse, refusalOf, unreachable, wayTo } from './control-transport.ts';
import { SseParser } from './sse-parser.ts';

/** An event, or that some were missed. */
export type FollowedEvent = ServerEvent | LostEvents;

/** Events were missed. */
export interface LostEvents {
  readonly type: 'lost';
  /** Null: nobody knows how many. */
  readonly count: number | null;
}

/** Three times as long as turnd is silent at most. */
const SILENCE_MS = 45_000;
const MAX_REFUSAL_BYTES = 65_536;

/** Who reads events, and for how long. */
export interface Follower {
  readonly take: (event: FollowedEvent) => void;
  /** Ends it from this side. */
  readonly signal: AbortSignal | undefined;
}

/** Gives events to `take` until either side ends the stream. Rejects with an AdminError. */
export function followEvents(address: ControlAddress, target: string, { take, signal }: Follower): Promise<void> {
  return new Promise((resolve, reject) => {
    const { request, options } = wayTo(address, target, { accept: 'text/event-stream' });
    const patience = new AbortController();
    let timer = setTimeout(() => patience.abort(), address.timeout);
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      if (signal?.aborted === true) resolve();
      else reject(unreachable(address, error));
    };
    const outgoing = request({ ...options, method: 'GET', signal: patience.signal, agent: false }, (incoming) => {
      clearTimeout(timer);
      timer = setTimeout(() => patience.abort(), SILENCE_MS);
      incoming.on('error', fail);
      incoming.on('data', () => timer.refresh());
      incoming.on('end', () => clearTimeout(timer));
      const { statusCode = 0 } = incoming;
      if (statusCode !== 200)
        return refuse(incoming, (text) => refusalOf(address, statusCode, parse(text, address)), reject);
      const parser = new SseParser();
      incoming.setEncoding('utf8');
      incoming.on('data', (text: string) => {
        try {
          // Both ends are of one package.
          for (const { data } of parser.push(text)) take(JSON.parse(data) as FollowedEvent);
        } catch (error) {
          outgoing.destroy(error instanceof Error ? error : new Error(String(error)));
        }
      });
      incoming.on('end', () => resolve());
    });
    signal?.addEventListener('abort', () => patience.abort());
    outgoing.on('error', fail);
    outgoing.end();
  });
}

function refuse(incoming: IncomingMessage, errorOf: (text: string) => Error, reject: (error: unknown) => void): void {
  let text = '';
  incoming.setEncoding('utf8');
  incoming.on('data', (piece: string) => {
    text += piece;
    if (text.length > MAX_REFUSAL_BYTES) incoming.destroy(new Error('the answer is too large'));
  });
  incoming.on('end', () => {
    try {
      reject(errorOf(text));
    } catch (error) {
      reject(error);
    }
  });
}
