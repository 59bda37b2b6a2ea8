// Owns how a turnd elsewhere is named: its URL, the file of the token, and whom to trust.

import { resolve } from 'node:path';
import { tryRead } from '../config/file-reader.ts';
import { warnIfReadable } from '../config/secret-files.ts';
import type { NetworkAddress } from '../control/control-transport.ts';
import { escapeText } from '../escape-text.ts';
import { type OutputFlags, remark } from './output.ts';
import type { CommandIo } from './terminal-io.ts';
import { UsageError } from './usage-error.ts';

/** The flags that tell of it beside `--url`. */
export interface RemoteFlags extends OutputFlags {
  readonly tokenFile?: string;
  readonly caFile?: string;
}

/** Where a turnd is. A token on the command line would be in ps: it comes from a file. @throws UsageError */
export function remoteOf(text: string, flags: RemoteFlags, io: CommandIo): Omit<NetworkAddress, 'timeout'> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(
      `--url: ${escapeText(JSON.stringify(text))} is not a URL such as https://turn.example.org:8443`,
    );
  if (url.username !== '' || url.password !== '')
    throw new UsageError('--url: a token belongs in a file: --token-file');
  const isLoopback = /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'http:' && !isLoopback)
    remark('warning: http:// shows the token to whoever listens on the way: use https://', flags, io);
  const token = readToken(flags, io);
  const ca = flags.caFile === undefined ? null : readFile('--ca-file', flags.caFile, io);
  return { url, token, ca };
}

function readToken(flags: RemoteFlags, io: CommandIo): string {
  const named = flags.tokenFile ?? io.env['TURNCTL_TOKEN_FILE'];
  if (named === undefined || named === '')
    throw new UsageError('--url needs a token: name its file with --token-file or $TURNCTL_TOKEN_FILE');
  const source = flags.tokenFile === undefined ? '$TURNCTL_TOKEN_FILE' : '--token-file';
  const token = (readFile(source, named, io).split(/\r?\n/, 1)[0] ?? '').trim();
  if (!/^[\x21-\x7e]{1,1024}$/.test(token)) throw new UsageError(`${source}: the first line of ${named} is no token`);
  const warning = warnIfReadable(io.reader, resolve(io.cwd, named));
  if (warning !== null) remark(`warning: ${warning}`, flags, io);
  return token;
}

function readFile(source: string, file: string, { reader, cwd }: CommandIo): string {
  const content = tryRead(reader, resolve(cwd, file));
  if ('error' in content) throw new UsageError(`${source}: ${content.error}`);
  return content.text;
}
