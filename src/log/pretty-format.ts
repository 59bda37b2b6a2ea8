// Owns the log's form for people. It runs in the process: a worker thread would lose the last lines of a crash.

import { prettyFactory } from 'pino-pretty';
import { escapeRecord } from './safe-line.ts';

/** Makes the function that turns one JSON line into one line for people (and indented lines for a stack). */
export function makePrettyFormatter(colorize: boolean): (line: string) => string {
  const format = prettyFactory({ colorize, singleLine: true, translateTime: 'UTC:yyyy-mm-dd HH:MM:ss.l' });
  return (line) => format(escapeRecord(JSON.parse(line)));
}
