// The credential APIs as apps reach them: over HTTP on a loopback port. Either the application itself with tokens and a
// fake server behind it, or the control socket of a real turnd, byte by byte.

import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { z } from 'zod';
import { makeControlApp } from '../../src/control/control-app.ts';
import { makeCredentialMount } from '../../src/control/credentials/credential-mount.ts';
import type { TokenStore } from '../../src/control/tokens.ts';
import { FAKE_NOW, type FakeControl, fakeControl } from './fake-control.ts';
import type { Teardown } from './turnd-process.ts';

/** The token that may ask for credentials, and its name. */
export const TOKEN = 'token-of-shop-0123456789';
export const TOKEN_NAME = 'shop';
/** One that may not. */
export const OTHER_TOKEN = 'token-of-dashboard-0123456789';

const TOKENS: TokenStore = {
  find: (presented) => {
    if (presented === TOKEN) return { name: TOKEN_NAME, scopes: ['credentials'] };
    return presented === OTHER_TOKEN ? { name: TOKEN_NAME, scopes: ['read'] } : null;
  },
};

/** What was answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
  /** What is in it, if it has that shape; else throws. */
  as<T>(shape: z.ZodType<T>): T;
}

/** An application that is served. */
export interface CredentialApp {
  /** Without a slash at its end. */
  readonly base: string;
  readonly control: FakeControl;
  /** Faults of the program. */
  readonly reported: unknown[];
  ask(method: string, target: string, more?: RequestInit): Promise<Answer>;
}

/** Serves the application until the test ends. */
export async function serveCredentialApp(t: Teardown): Promise<CredentialApp> {
  const control = fakeControl();
  const reported: unknown[] = [];
  const report = (error: unknown): void => void reported.push(error);
  const now = (): number => FAKE_NOW;
  const mount = makeCredentialMount({
    source: () => control.iceSource(),
    revoke: (username) => control.revoke(username),
    ...{ now, report, tokens: TOKENS },
  });
  const app = makeControlApp({ control, now, report, mounts: [mount] });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createHttpServer((request, response) => void listener(request, response));
  const base = await listen(t, server);
  t.teardown(() => server.closeAllConnections());
  return { base, control, reported, ask: (...args) => ask(base, ...args) };
}

/** A port of loopback behind which the control socket at `path` answers. @returns its URL */
export function bridgeTo(t: Teardown, path: string): Promise<string> {
  const server = createServer((client) => {
    const socket = connect({ path });
    client.pipe(socket).pipe(client);
    client.on('error', () => socket.destroy());
    socket.on('error', () => client.destroy());
    client.on('close', () => socket.destroy());
    t.teardown(() => client.destroy());
  });
  return listen(t, server);
}

/** One request of an app. */
export async function ask(base: string, method: string, target: string, more: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${base}${target}`, { method, ...more });
  const text = await response.text();
  const json: unknown = text === '' ? null : JSON.parse(text);
  return { status: response.status, headers: response.headers, text, json, as: (shape) => shape.parse(json) };
}

/** The header of Basic authentication. */
export function basic(name: string, secret: string): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` };
}

/** The header of a bearer token. */
export function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}

/** Listens on a port of loopback until the test ends. @returns its URL */
export async function listen(t: Teardown, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
