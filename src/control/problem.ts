// How the control API says that something was not done: problem details (RFC 9457). Never with a stack, a secret or what
// a client has sent.

import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { AdminError, type AdminFault } from './administration.ts';

/** What a problem is: an {@link AdminFault}, or that of the API itself. */
export type ProblemFault =
  | AdminFault
  | 'unauthorized'
  | 'forbidden'
  | 'too-large'
  | 'media-type'
  | 'too-many'
  | 'internal';

/** The body of a problem. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  /** One sentence for the operator; several lines for a configuration with several faults. */
  readonly detail: string;
  readonly fault: ProblemFault;
}

/** Status code and title of each. */
export const STATUS: Readonly<Record<ProblemFault, readonly [ContentfulStatusCode, string]>> = Object.freeze({
  invalid: [400, 'Bad Request'],
  unauthorized: [401, 'Unauthorized'],
  forbidden: [403, 'Forbidden'],
  'not-found': [404, 'Not Found'],
  conflict: [409, 'Conflict'],
  'too-large': [413, 'Content Too Large'],
  'media-type': [415, 'Unsupported Media Type'],
  'too-many': [429, 'Too Many Requests'],
  internal: [500, 'Internal Server Error'],
  unavailable: [503, 'Service Unavailable'],
});

/** The media type of problems. */
export const PROBLEM_TYPE = 'application/problem+json';

/** A refusal by the API itself. */
export class ApiError extends Error {
  readonly fault: ProblemFault;
  /** Of the response, beside those of all. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(fault: ProblemFault, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'ApiError';
    this.fault = fault;
    this.headers = headers;
  }
}

/** What was thrown, for whoever has a form of refusals of his own. */
export interface Fault {
  readonly fault: ProblemFault;
  /** Of HTTP. */
  readonly status: ContentfulStatusCode;
  /** One sentence. */
  readonly detail: string;
  /** Of the response. */
  readonly headers: Record<string, string>;
}

/** Tells what was thrown. What is no refusal is a fault of the program: `report` gets it, the client not. */
export function describeFault(error: unknown, report: (error: unknown) => void): Fault {
  if (error instanceof AdminError) return faultOf(error.fault, error.message);
  if (error instanceof ApiError) return faultOf(error.fault, error.message, error.headers);
  report(error);
  return faultOf('internal', 'turnd failed to do this: its log says more');
}

/** The response to whatever was thrown, as {@link describeFault} tells it. */
export function problemResponse(error: unknown, report: (error: unknown) => void): Response {
  const { fault, status, detail, headers: more } = describeFault(error, report);
  const [, title] = STATUS[fault];
  const problem: Problem = { type: 'about:blank', title, status, detail, fault };
  const headers = { ...more, 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store' };
  return new Response(JSON.stringify(problem), { status, headers });
}

function faultOf(fault: ProblemFault, detail: string, headers: Readonly<Record<string, string>> = {}): Fault {
  return { fault, status: STATUS[fault][0], detail, headers: { ...headers } };
}
