// Where clients are served: addresses by ports by transports.

import { parseIp } from '../stun/ip-address.ts';
import type { Entry } from './coturn-file.ts';
import type { Draft } from './draft.ts';

interface Listener {
  readonly url: string;
  readonly source: Entry | null;
}

/** An address to listen on, as it stands in a URL; null: nobody has named it. */
interface Host {
  readonly host: string;
  readonly source: Entry | null;
}

/** Which transports a port has. */
interface Transports {
  readonly udp: boolean;
  readonly tcp: boolean;
  readonly tls: boolean;
}

const OPTIONS = [
  'listening-ip',
  'listening-port',
  'tls-listening-port',
  'aux-server',
  'no-udp',
  'no-tcp',
  'no-tls',
].concat('tcp-proxy-port');

/** coturn believes whoever connects: turnd those who may stand in front of it. */
const PROXIES = ['127.0.0.0/8', '::1/128', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'];

/** Sets `listen` and `proxy-protocol`. */
export function resolveListen(draft: Draft): void {
  const source = draft.lastOf(OPTIONS);
  if (source === null) return;
  const transports = { udp: !draft.isOn('no-udp'), tcp: !draft.isOn('no-tcp'), tls: !draft.isOn('no-tls') };
  const port = draft.port('listening-port') ?? 3478;
  const tlsPort = draft.port('tls-listening-port') ?? 5349;
  const hosts = hostsOf(draft);
  const listeners = hosts.flatMap(({ host, source }) => {
    const own = listenersAt(host, port, transports, source);
    return tlsPort === port
      ? [...own, ...tlsOnly(host, port, transports, source)]
      : [...own, ...tlsListeners(host, tlsPort, transports, source)];
  });
  listeners.push(...auxListeners(draft, transports), ...proxyListeners(draft, hosts, transports));
  const once = listeners.filter(({ url }, index) => listeners.findIndex((other) => other.url === url) === index);
  if (once.length === 0) {
    draft.fault(source, 'no-udp, no-tcp and no-tls leave nothing to listen on');
    return;
  }
  const comment = 'The addresses and ports of coturn. TLS and plain TCP are told apart by the first byte.';
  const urls = once.map(({ url }) => url);
  draft.set(
    'listen',
    urls,
    comment,
    once.map((listener) => listener.source ?? source),
  );
}

/** The addresses of listening-ip; also what coturn relays from when it has no relay-ip. */
export function listeningIps(draft: Draft): readonly Entry[] {
  return draft.all('listening-ip').filter(({ value }) => parseIp(value) !== null);
}

function hostsOf(draft: Draft): Host[] {
  const given = draft.texts('listening-ip');
  if (given.length === 0) return [{ host: '*', source: null }];
  return given.flatMap((source) => {
    const host = urlHost(source.value);
    if (host === null) draft.fault(source, 'must be an IP address; names are not looked up');
    return host === null ? [] : [{ host, source }];
  });
}

function listenersAt(host: string, port: number, transports: Transports, source: Entry | null): Listener[] {
  const { udp, tcp, tls } = transports;
  const stream = tls ? 'tcp+tls' : 'tcp';
  return [
    ...(udp ? [{ url: `udp://${host}:${port}`, source }] : []),
    ...(tcp ? [{ url: `${stream}://${host}:${port}`, source }] : []),
  ];
}

function tlsListeners(host: string, port: number, { tcp, tls }: Transports, source: Entry | null): Listener[] {
  return tls ? [{ url: `${tcp ? 'tcp+tls' : 'tls'}://${host}:${port}`, source }] : [];
}

/** On one port for both, TLS is there with TCP already. */
function tlsOnly(host: string, port: number, transports: Transports, source: Entry | null): Listener[] {
  return transports.tcp ? [] : tlsListeners(host, port, transports, source);
}

function auxListeners(draft: Draft, transports: Transports): Listener[] {
  return draft.texts('aux-server').flatMap((source) => {
    const [, bracketed, bare, port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(source.value) ?? [];
    const host = urlHost(bracketed ?? bare ?? '');
    if (host !== null && Number(port) > 0 && Number(port) <= 65_535) {
      return listenersAt(host, Number(port), transports, source);
    }
    draft.fault(source, 'must be ADDRESS:PORT, an IPv6 address in brackets');
    return [];
  });
}

function proxyListeners(draft: Draft, hosts: readonly Host[], { tls }: Transports): Listener[] {
  const port = draft.port('tcp-proxy-port') ?? 0;
  const source = draft.last('tcp-proxy-port');
  if (source === null || port === 0) return [];
  draft.warn(
    source,
    'coturn believes any source on it: turnd only those of proxy-protocol.trusted, now private networks',
  );
  draft.set('proxy-protocol.trusted', PROXIES, 'The proxies that connect to tcp-proxy-port: name them.', [source]);
  const scheme = tls ? 'tcp+tls' : 'tcp';
  return hosts.map(({ host }) => ({ url: `${scheme}://${host}:${port}?proxy-protocol`, source }));
}

function urlHost(text: string): string | null {
  const ip = parseIp(text);
  if (ip === null) return null;
  return ip.family === 4 ? ip.text : `[${ip.text}]`;
}
