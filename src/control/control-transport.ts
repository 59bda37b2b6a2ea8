// One HTTP request over the Unix socket of a running turnd, bounded in time and size. Knows no route.

import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { describeSystemError } from '../errors.ts';
import { AdminError, type AdminFault } from './administration.ts';

/** Why a turnd was not reached. */
export type UnreachableReason =
  /** Nobody is there. */
  | 'not-running'
  /** The socket is not for this user. */
  | 'denied'
  /** Somebody is there, and says nothing in time or nothing that can be read. */
  | 'silent';

/** A turnd could not be asked. The message is one sentence: what failed, and what to do. */
export class UnreachableError extends AdminError {
  readonly reason: UnreachableReason;

  constructor(reason: UnreachableReason, message: string, cause?: unknown) {
    super('unavailable', message, { cause });
    this.name = 'UnreachableError';
    this.reason = reason;
  }
}

/** Where a turnd is asked. */
export type ControlAddress = SocketAddress | NetworkAddress;

/** The Unix socket of a turnd. */
export interface SocketAddress {
  readonly path: string;
  /** Milliseconds for a whole answer. */
  readonly timeout: number;
}

/** A turnd somewhere in the network. */
export interface NetworkAddress {
  /** `https://HOST:PORT` or `http://…`, a path before the API's own where a proxy needs one. */
  readonly url: URL;
  readonly token: string;
  /** PEM certificates to trust in place of the system's; null = those. */
  readonly ca: string | null;
  /** Milliseconds for a whole answer. */
  readonly timeout: number;
}

/** A request. */
export interface ControlRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query, percent-encoded. */
  readonly target: string;
  readonly body?: unknown;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A request on its way to a turnd. */
export interface Way {
  readonly request: typeof httpRequest;
  readonly options: RequestOptions;
}

/** Far above the largest page. */
const MAX_ANSWER_BYTES = 16_777_216;
const FAULTS: Readonly<Record<number, AdminFault>> = Object.freeze({
  400: 'invalid',
  404: 'not-found',
  409: 'conflict',
  413: 'invalid',
});

/** Asks, and gives the JSON of the answer; undefined for one without. @throws AdminError, of it UnreachableError */
export async function askControl(address: ControlAddress, what: ControlRequest): Promise<unknown> {
  const { status, text } = await exchange(address, what);
  const json = parse(text, address);
  if (status >= 200 && status < 300) return json;
  throw refusalOf(address, status, json);
}

/** What an answer that is no success says. */
export function refusalOf(address: ControlAddress, status: number, json: unknown): AdminError {
  const detail = typeof json === 'object' && json !== null && 'detail' in json ? String(json.detail) : '';
  const said = detail || `turnd answered ${status}`;
  if (status === 401) return new UnreachableError('denied', `turnd at ${nameOf(address)} refuses the token: ${said}`);
  return new AdminError(FAULTS[status] ?? 'unavailable', said);
}

function exchange(address: ControlAddress, { method, target, body }: ControlRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const json = body === undefined ? null : JSON.stringify(body);
    const signal = AbortSignal.timeout(address.timeout);
    const headers =
      json === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) };
    const { options, request } = wayTo(address, target, headers);
    const fail = (error: unknown): void => reject(unreachable(address, error));
    const outgoing = request({ ...options, method, signal, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) outgoing.destroy(new Error('the answer is too large'));
      });
      incoming.on('error', fail);
      incoming.on('end', () => {
        if (!incoming.complete) return;
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    outgoing.on('error', fail);
    outgoing.end(json ?? undefined);
  });
}

/** How a request gets to a turnd. */
export function wayTo(
  address: ControlAddress,
  target: string,
  headers: Readonly<Record<string, string | number>>,
): Way {
  if ('path' in address)
    return {
      request: httpRequest,
      options: { socketPath: address.path, path: target, headers: { host: 'turnd', ...headers } },
    };
  const { url, token, ca } = address;
  const options = {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port,
    path: `${url.pathname.replace(/\/$/, '')}${target}`,
    headers: { host: url.host, authorization: `Bearer ${token}`, ...headers },
    ...(ca === null ? {} : { ca }),
  };
  return { request: url.protocol === 'https:' ? httpsRequest : httpRequest, options };
}

/** How an address is called in sentences. */
export function nameOf(address: ControlAddress): string {
  return 'path' in address ? address.path : address.url.origin;
}

/** Why a turnd was not reached. */
export function unreachable(address: ControlAddress, cause: unknown): UnreachableError {
  const path = nameOf(address);
  const { timeout } = address;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const fail = (reason: UnreachableReason, why: string) => new UnreachableError(reason, why, cause);
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR')
    return fail('not-running', `turnd is not running (nobody listens at ${path})`);
  if (code === 'EACCES' || code === 'EPERM')
    return fail('denied', `you may not use ${path}: run turnctl with sudo, or as turnd's user`);
  if (code === 'ABORT_ERR')
    return fail('silent', `turnd does not answer at ${path} within ${timeout / 1000} s: look at its log`);
  return fail('silent', `turnd does not answer well at ${path}: ${describeSystemError(cause)}`);
}

/** The JSON of an answer; undefined for an empty one. @throws UnreachableError */
export function parse(text: string, address: ControlAddress): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UnreachableError('silent', `what answers at ${nameOf(address)} is no turnd`, error);
  }
}
