// Makes loggers: the form of a line and what it hides. Where lines go is their maker's choice. Relay workers load this file,
// so it must not know formats for people or files.

import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** The lowest level that is logged. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

const SECRET_KEYS = Object.freeze([
  'password',
  'secret',
  'secrets',
  'key',
  'keys',
  'ha1',
  'hmackey',
  'passphrase',
  'token',
  'authorization',
  'credential',
]);

/**
 * A logger without a destination of its own.
 * @param base fields of every line, or null
 * @param write takes each line: JSON, ending in a line feed
 */
export function makeLogger(
  level: LogLevel,
  base: Readonly<Record<string, unknown>> | null,
  write: (line: string) => void,
): Logger {
  return pino(
    {
      level,
      base,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redactedPaths(), censor: '***' },
    },
    { write },
  );
}

/** Secrets as a property of the line, of an object in it, and one level deeper. */
function redactedPaths(): string[] {
  return SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
}
