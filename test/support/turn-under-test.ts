// The one place that chooses which TURN server the interop tests run against. TURND_TEST_SERVER=coturn or =turnd says
// otherwise: a test that coturn passes asks nothing that only turnd would do.

import { coturnProgram, startCoturn } from './coturn.ts';
import type { TurnServer, TurnServerOptions } from './turn-server.ts';
import { startTurnd } from './turnd.ts';

const DEFAULT_SERVER = 'turnd';

function isCoturn(): boolean {
  const { TURND_TEST_SERVER = DEFAULT_SERVER } = process.env;
  return TURND_TEST_SERVER === 'coturn';
}

/** The reason why the server under test cannot run here, or `false`. */
export const serverSkip: string | false = isCoturn() && coturnProgram.skip;

/** Starts the server under test on loopback, with loopback peers allowed. */
export function startServer(options: TurnServerOptions = {}): Promise<TurnServer> {
  return isCoturn() ? startCoturn(options) : startTurnd(options);
}
