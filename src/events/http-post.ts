// One POST over HTTP or HTTPS: the status, and nothing else of the answer. Follows no redirect, and reads no more of a
// body than it takes to use the connection again. Knows neither what is sent nor when to try again.

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** A request. */
export interface PostRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Ends it, whatever it waits for. */
  readonly signal: AbortSignal;
}

/** Sends to one URL. */
export interface Poster {
  /** The status of the answer. Rejects where there is none. */
  post(request: PostRequest): Promise<number>;
  /** Lets go of connections that are kept. */
  close(): void;
}

/** Makes the poster of a URL. */
export type MakePoster = (url: URL) => Poster;

const MAX_ANSWER_BYTES = 16_384;
const MAX_HEADER_BYTES = 16_384;
/** Longer than between two batches of a busy server, shorter than servers keep idle connections. */
const KEEP_MS = 4000;

/** Sends over one connection at a time, which is kept for the next request. */
export const httpPoster: MakePoster = (url) => {
  const isSecure = url.protocol === 'https:';
  const settings = { keepAlive: true, maxSockets: 1, timeout: KEEP_MS };
  const agent = isSecure ? new HttpsAgent(settings) : new HttpAgent(settings);
  const ask = isSecure ? httpsRequest : httpRequest;
  return {
    post: ({ headers, body, signal }) =>
      new Promise((resolve, reject) => {
        const options: RequestOptions = {
          ...{ method: 'POST', agent, signal, maxHeaderSize: MAX_HEADER_BYTES },
          headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        };
        const outgoing = ask(url, options, (incoming) => drain(incoming, resolve));
        outgoing.on('error', reject);
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
};

// Whatever becomes of the body, the status says it all.
function drain(incoming: IncomingMessage, settle: (status: number) => void): void {
  const { statusCode = 0 } = incoming;
  let size = 0;
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) incoming.destroy();
  });
  incoming.on('error', () => {});
  incoming.once('close', () => settle(statusCode));
}
