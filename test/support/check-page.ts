// Opens docs/check.html in a browser and drives it, by its buttons or by `window.turndCheck`. Knows no TURN server.

import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import type { IceServer } from './turn-server.ts';

/** The page on disk; this file runs from `dist/test/support/`. */
export const CHECK_PAGE_FILE = fileURLToPath(new URL('../../../docs/check.html', import.meta.url));

/** A failure in the words of the page: an error code or a name, and what to do. */
export interface CheckFailure {
  readonly code: number | string;
  readonly summary: string;
  readonly cause: string;
  readonly advice: readonly string[];
}

/** One end of the candidate pair in use. */
export interface CheckPath {
  readonly local: { readonly candidateType: string; readonly relayProtocol?: string };
}

/** A relayed data channel between two connections. */
export interface CheckRoundTrip {
  readonly ok: boolean;
  readonly step: string;
  readonly message: string;
  readonly connectMs: number | null;
  readonly rtt: { readonly pings: number; readonly medianMs: number } | null;
  readonly transfer: {
    readonly receivedBytes: number;
    readonly sentCrc32: string;
    readonly receivedCrc32: string;
    readonly intact: boolean;
  } | null;
  readonly paths: { readonly caller: CheckPath; readonly callee: CheckPath } | null;
  readonly relayed: boolean;
}

/** What the page found for one URL. */
export interface CheckedUrl {
  readonly url: string;
  readonly transport: string;
  readonly status: 'running' | 'ok' | 'failed' | 'unclear';
  readonly notes: readonly string[];
  readonly candidates: readonly {
    readonly type: string;
    readonly address: string;
    readonly relayProtocol: string;
    readonly url: string;
    readonly timeMs: number;
  }[];
  readonly roundTrip: CheckRoundTrip | null;
  readonly failure: CheckFailure | null;
}

/** The result of `turndCheck.run`. */
export interface CheckResult {
  readonly verdict: { readonly level: 'ok' | 'partial' | 'failed' | 'unclear'; readonly text: string };
  readonly urls: readonly CheckedUrl[];
  readonly together: { readonly ok: boolean; readonly roundTrip: CheckRoundTrip } | null;
}

/** What one side of a call received. */
export interface ReceivedMedia {
  readonly audio: { readonly packetsReceived: number; readonly samplesDecoded: number };
  readonly video: { readonly packetsReceived: number; readonly framesDecoded: number };
}

/** The result of `turndCheck.call`. */
export interface CallResult {
  readonly ok: boolean;
  readonly step: string;
  readonly message: string;
  readonly caller: ReceivedMedia | null;
  readonly callee: ReceivedMedia | null;
  readonly paths: { readonly caller: CheckPath; readonly callee: CheckPath } | null;
  readonly relayed: boolean;
}

/** Options of `turndCheck.run`. */
export interface CheckOptions {
  /** For each step, in ms. */
  readonly timeoutMs?: number;
  /** To transfer over each relayed data channel. */
  readonly bytes?: number;
}

/** An `iceServers` entry as a user may paste it: with parts missing, or several URLs. */
export type PastedServer = Partial<Omit<IceServer, 'urls'>> & { readonly urls: string | readonly string[] };

/** One URL to test, as the page reads it from a pasted text. */
export interface CheckTarget {
  readonly url: string;
  readonly username?: string;
  readonly credential?: string;
  readonly notes: readonly string[];
}

interface CheckWindow {
  readonly turndCheck: {
    read(text: string): readonly CheckTarget[];
    run(iceServers: readonly PastedServer[] | string, options: CheckOptions): Promise<CheckResult>;
    call(settings: { readonly iceServers: readonly PastedServer[] }): Promise<CallResult>;
    readonly last: CheckResult | null;
  };
}

/** The check page in a tab of its own. */
export class CheckPage {
  readonly page: Page;
  readonly #server: Server;

  constructor(page: Page, server: Server) {
    this.page = page;
    this.#server = server;
  }

  /** Runs the check as a script would. */
  run(iceServers: readonly PastedServer[] | string, options: CheckOptions = {}): Promise<CheckResult> {
    return this.page.evaluate(
      ([servers, settings]) => (globalThis as unknown as CheckWindow).turndCheck.run(servers, settings),
      [iceServers, options] as const,
    );
  }

  /** What the page makes of a pasted text; rejects with its parse error. */
  read(text: string): Promise<readonly CheckTarget[]> {
    return this.page.evaluate((pasted) => (globalThis as unknown as CheckWindow).turndCheck.read(pasted), text);
  }

  /** Makes an audio and video call between two connections in the page. */
  call(iceServers: readonly PastedServer[]): Promise<CallResult> {
    return this.page.evaluate(
      (servers) => (globalThis as unknown as CheckWindow).turndCheck.call({ iceServers: servers }),
      iceServers,
    );
  }

  /** Pastes `text` and presses the button, as a user would; resolves once the page can be run again. */
  async paste(text: string): Promise<void> {
    await this.page.getByLabel('iceServers').fill(text);
    await this.page.getByRole('button', { name: 'Run the check' }).click();
    await this.page.locator('#run:enabled').waitFor();
  }

  /** The words at the top of the page. */
  async verdict(): Promise<string> {
    return (await this.page.locator('#verdict').textContent()) ?? '';
  }

  async close(): Promise<void> {
    await this.page.close();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** Serves the page on loopback, which browsers count as secure enough for getUserMedia, and opens it. */
export async function openCheckPage(browser: Browser): Promise<CheckPage> {
  const html = await readFile(CHECK_PAGE_FILE);
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/' ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' });
    response.end(request.url === '/' ? html : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return new CheckPage(page, server);
}
