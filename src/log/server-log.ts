// Owns the process's log: its format and where it writes. It knows nothing of the protocol.

import { describeSystemError, LogFileError } from '../errors.ts';
import { LineStream } from './line-stream.ts';
import { type Logger, type LogLevel, makeLogger } from './logger.ts';
import { makePrettyFormatter } from './pretty-format.ts';
import { escapeJsonLine } from './safe-line.ts';

/** Settings of a log. */
export interface LogOptions {
  readonly level: LogLevel;
  /** `auto` is pretty on a terminal and JSON elsewhere, also in files. */
  readonly format: 'auto' | 'json' | 'pretty';
  /** Absolute path, or null for standard output. */
  readonly file: string | null;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
}

/** An open log. */
export interface ServerLog {
  readonly logger: Logger;
  /** Lines that were lost because the destination was full, gone or too slow. */
  readonly lost: number;
  /** Writes a line that {@link makeLogger} has made in another process of this server. */
  forward(line: string): void;
  /** Writes text to standard output as it is, wherever the log goes. Never blocks: a reader may have stopped. */
  print(text: string): void;
  /** Opens the file again under its name, for log rotation (SIGHUP). Does nothing on standard output. */
  reopen(): void;
  /**
   * Writes what waits, for at most a second, and closes. Later lines are dropped. Idempotent. False if lines are
   * left: then a write may hang in the kernel (a stopped terminal) and `process.exit` would wait for it.
   */
  close(): Promise<boolean>;
}

/**
 * Opens the log. A destination that fails later never throws: its lines are counted as lost.
 * @throws LogFileError if the file cannot be opened.
 */
export function openLog(options: LogOptions): ServerLog {
  const stream = options.file === null ? LineStream.openStandardOutput() : openLogFile(options.file);
  const format = chooseFormat(options);
  const write = (line: string): void => stream.write(format(line));
  const logger = makeLogger(options.level, null, write);
  stream.onRoom((lost) => logger.warn({ event: 'log-lost', lost }, `${lost} lines of the log were lost`));
  return makeLog({ logger, write }, stream, options.file === null ? stream : LineStream.openStandardOutput());
}

type Sink = Pick<ServerLog, 'logger'> & { readonly write: (line: string) => void };

function makeLog({ logger, write }: Sink, stream: LineStream, output: LineStream): ServerLog {
  return {
    logger,
    forward: write,
    get lost() {
      return stream.lost;
    },
    print: (text) => output.write(text),
    reopen: () => stream.reopen(),
    close: async () => {
      const areWritten = await Promise.all([stream.close(), output.close()]);
      return areWritten.every(Boolean);
    },
  };
}

function chooseFormat({ format, file, isTerminal }: LogOptions): (line: string) => string {
  const isColoured = file === null && isTerminal;
  const isPretty = format === 'pretty' || (format === 'auto' && isColoured);
  return isPretty ? makePrettyFormatter(isColoured) : escapeJsonLine;
}

function openLogFile(file: string): LineStream {
  try {
    return LineStream.openFile(file);
  } catch (error) {
    throw new LogFileError(`log.file: cannot open ${file}: ${describeSystemError(error)}`, error);
  }
}
