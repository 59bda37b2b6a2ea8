// Paths of the control API as they were sent: a name of any kind is one segment, percent-encoded (`a%2Fb`, `..`). URL
// parsers of the platform would take dots and slashes out before the routes see them.

import type { IncomingMessage } from 'node:http';
import type { Context } from 'hono';
import { ApiError } from './problem.ts';

/** The path as it stands in the request line, for Hono's router. */
export function rawPath(request: Request, options?: { readonly env?: unknown }): string {
  const { incoming } = (options?.env ?? {}) as { readonly incoming?: IncomingMessage };
  const target = incoming?.url ?? request.url.replace(/^https?:\/\/[^/]*/, '');
  return target.startsWith('/') ? target.replace(/[?#].*$/s, '') : '/';
}

/** Whether every percent-encoding of a path is whole and UTF-8. */
export function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** A parameter of the path, decoded once. */
export function segment(context: Context, name: string): string {
  const text = context.req.param(name);
  if (text === undefined || text === '') throw new ApiError('invalid', `the path has an empty ${name}`);
  return text;
}
