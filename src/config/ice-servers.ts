// What a browser is given to use this server: the iceServers entry, and the note that a newcomer sees at start.

import { isIP } from 'node:net';

/** A listening address by transport. */
export interface ListenerInfo {
  readonly transport: 'udp' | 'tcp' | 'tls' | 'tcp+tls';
  readonly address: string;
  readonly port: number;
  /** Whether only proxies can speak to it; absent: clients do. */
  readonly proxyProtocol?: true;
}

/** One entry of RTCConfiguration.iceServers. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username: string;
  readonly credential: string;
}

/** What URLs are made of. */
export interface IceUrlOptions {
  /** Host name or address that clients use. */
  readonly host: string;
  readonly listeners: readonly Pick<ListenerInfo, 'transport' | 'port' | 'proxyProtocol'>[];
  /** Whether browsers will accept the certificate; without, there are no turns: URLs. */
  readonly trustedCertificate: boolean;
}

/** What an entry is made of. */
export interface IceServerOptions extends IceUrlOptions {
  readonly username: string;
  readonly credential: string;
}

/** Where a firewall expects TLS (RFC 8656, HTTPS). */
const TLS_PORTS: ReadonlySet<number> = new Set([443, 5349]);

/** `turn:` and `turns:` URLs: UDP first, as browsers should prefer it. */
export function turnUrls({ host, listeners: all, trustedCertificate }: IceUrlOptions): string[] {
  const name = inUrl(host);
  // Clients reach a proxy by an address of its own, which nobody here knows.
  const listeners = all.filter(({ proxyProtocol }) => proxyProtocol !== true);
  const port = (wanted: readonly string[]): number | null =>
    listeners.find(({ transport }) => wanted.includes(transport))?.port ?? null;
  const urls: string[] = [];
  const udp = port(['udp']);
  const tcp = port(['tcp', 'tcp+tls']);
  const tls = listeners.findLast(({ transport }) => transport === 'tls' || transport === 'tcp+tls')?.port;
  if (udp !== null) urls.push(`turn:${name}:${udp}?transport=udp`);
  if (tcp !== null) urls.push(`turn:${name}:${tcp}?transport=tcp`);
  if (tls !== undefined && trustedCertificate) urls.push(`turns:${name}:${tls}?transport=tcp`);
  return urls;
}

/**
 * The URLs of all listening ports: a `stun:` one, then `turn:` over UDP and TCP, then `turns:`. A port that takes TCP and
 * TLS has one of them: `turns:` where it is TLS's (443, 5349) or the last that takes it, else `turn:`.
 */
export function iceUrls({ host, listeners, trustedCertificate }: IceUrlOptions): string[] {
  const name = inUrl(host);
  const ports = (wanted: string): number[] => [
    ...new Set(listeners.flatMap(({ transport, port }) => (transport === wanted ? [port] : []))),
  ];
  const udp = ports('udp');
  const shared = ports('tcp+tls');
  const secure = trustedCertificate ? shared.filter((port) => TLS_PORTS.has(port)) : [];
  const tls = trustedCertificate ? ports('tls') : [];
  if (trustedCertificate && secure.length + tls.length === 0) secure.push(...shared.slice(-1));
  const plain = shared.filter((port) => !TLS_PORTS.has(port));
  const tcp = [...ports('tcp'), ...plain];
  if (tcp.length === 0) tcp.push(...shared.slice(0, 1));
  return [
    ...udp.slice(0, 1).map((port) => `stun:${name}:${port}`),
    ...udp.map((port) => `turn:${name}:${port}?transport=udp`),
    ...tcp.map((port) => `turn:${name}:${port}?transport=tcp`),
    ...[...tls, ...secure].map((port) => `turns:${name}:${port}?transport=tcp`),
  ];
}

/** The same URL with another host. */
export function withHost(url: string, host: string): string {
  return url.replace(/^(stuns?|turns?):(\[[^\]]*\]|[^:?]*)/, (_, scheme: string) => `${scheme}:${inUrl(host)}`);
}

/** Makes the entry. */
export function makeIceServer({ username, credential, ...options }: IceServerOptions): IceServer {
  return { urls: turnUrls(options), username, credential };
}

/** The host to put into URLs: what is shown to the world, unless the server listens on one address only. */
export function urlHost(shown: readonly string[], listeners: readonly ListenerInfo[]): string {
  const literal = new Set(listeners.map(({ address }) => address));
  const [only] = literal;
  if (literal.size === 1 && only !== undefined && isIP(only) !== 0) return only;
  return shown[0] ?? only ?? '127.0.0.1';
}

/** The note that a server without any configuration prints: paste this, open that. */
export function labNote(iceServer: IceServer, checkPage: string): string {
  return [
    '',
    'turnd runs with a lab user. Paste this into your app, or into the check page:',
    '',
    JSON.stringify({ iceServers: [iceServer] }),
    '',
    `Check page: open ${checkPage} in a browser`,
    '',
    '',
  ].join('\n');
}

function inUrl(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
