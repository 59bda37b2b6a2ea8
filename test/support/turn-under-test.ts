// The one place that chooses which TURN server the interop tests run against.

import { coturnProgram, startCoturn } from './coturn.ts';
import type { TurnServer, TurnServerOptions } from './turn-server.ts';

/** The reason why the server under test cannot run here, or `false`. */
export const serverSkip: string | false = coturnProgram.skip;

/** Starts the server under test on loopback, with loopback peers allowed. */
export function startServer(options: TurnServerOptions = {}): Promise<TurnServer> {
  return startCoturn(options);
}
