// From a URI to the transport addresses to try, in order: literal, NAPTR, SRV, A and AAAA (RFC 5928 §3, RFC 7350 §4.6,
// RFC 8489 §8.1). Opens no connection.

import type { NaptrRecord, SrvRecord } from 'node:dns';
import { type IpFamily, parseIp } from '../stun/ip-address.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import { ClientError } from './client-error.ts';
import type { Names } from './names.ts';
import { type ClientTransportKind, defaultPort, isSecure, type TurnUri } from './uri.ts';

/** How a target was found. */
export type ResolvedBy = 'literal' | 'address' | 'srv' | 'naptr';

/** Where to connect to. */
export interface Target {
  readonly address: TransportAddress;
  readonly transport: ClientTransportKind;
  readonly by: ResolvedBy;
  /** The name that a certificate must carry: the URI's host, never the name that SRV led to (RFC 8489 §8.1). */
  readonly name: string;
}

/** What narrows the search. */
export interface ResolveOptions {
  /** Only addresses of this family; both when absent. */
  readonly family?: IpFamily;
  /** The name to verify in place of the URI's host; needed for stuns and turns with an address. */
  readonly verifyName?: string | undefined;
  /** Accept stuns and turns with an address and no name: nothing is verified then. */
  readonly insecure?: boolean;
  /** A number in [0, 1): chooses among SRV records by weight. */
  readonly random?: () => number;
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly transport: ClientTransportKind;
}

const MAX_TARGETS = 16;

/** The targets of a URI, best first; at least one. Rejects with a {@link ClientError}. */
export async function resolveUri(uri: TurnUri, names: Names, options: ResolveOptions = {}): Promise<readonly Target[]> {
  checkVerifiable(uri, options);
  const { targets, failure } = await findTargets(uri, names, options);
  if (targets.length > 0) return targets.slice(0, MAX_TARGETS);
  const kind = options.family === undefined ? '' : `IPv${options.family} `;
  if (failure !== null) throw new ClientError('resolution', `${uri.host}: DNS does not answer`, { cause: failure });
  throw new ClientError('resolution', `${uri.host} has no ${kind}address`);
}

// RFC 8489 §8.1, RFC 7350 §4.6.1: there must be a name to verify.
function checkVerifiable(uri: TurnUri, { verifyName, insecure }: ResolveOptions): void {
  if (!isSecure(uri.scheme) || uri.ip === null || verifyName !== undefined || insecure === true) return;
  const message = `${uri.text}: a certificate is verified by name, and ${uri.host} is an address`;
  throw new ClientError('uri', message);
}

interface Found {
  readonly targets: readonly Target[];
  readonly failure: unknown;
}

async function findTargets(uri: TurnUri, names: Names, options: ResolveOptions): Promise<Found> {
  const name = options.verifyName ?? uri.host;
  const port = uri.port ?? defaultPort(uri.scheme);
  const transport = uri.transport ?? usualTransport(uri);
  if (uri.ip !== null) return literalTarget({ host: uri.host, port, transport }, name, options.family);
  if (uri.port === null && uri.host.includes('.')) {
    const viaNaptr = uri.transport === null ? await naptrPlaces(uri, names, options) : [];
    const fromNaptr = await addressesOf(viaNaptr, names, { name, by: 'naptr', family: options.family });
    if (fromNaptr.targets.length > 0) return fromNaptr;
    const fromSrv = await addressesOf(await srvPlaces(uri, names, options), names, {
      name,
      by: 'srv',
      family: options.family,
    });
    if (fromSrv.targets.length > 0) return fromSrv;
  }
  return addressesOf([{ host: uri.host, port, transport }], names, { name, by: 'address', family: options.family });
}

function literalTarget({ host, port, transport }: Place, name: string, family: IpFamily | undefined): Found {
  const ip = parseIp(host);
  if (ip === null || (family !== undefined && ip.family !== family)) return { targets: [], failure: null };
  return { targets: [{ address: new TransportAddress(ip, port), transport, by: 'literal', name }], failure: null };
}

// What a browser takes for a URI without ?transport=.
function usualTransport(uri: TurnUri): ClientTransportKind {
  return isSecure(uri.scheme) ? 'tls' : 'udp';
}

/** The transports that a URI allows, best first. */
function allowedTransports(uri: TurnUri): readonly ClientTransportKind[] {
  if (uri.transport !== null) return [uri.transport];
  return isSecure(uri.scheme) ? ['tls', 'dtls'] : ['udp', 'tcp'];
}

/** The SRV name of a transport: `_turn._udp.example.org` (RFC 5928 §3, RFC 8489 §8.1). */
export function srvName(uri: TurnUri, transport: ClientTransportKind): string {
  const protocol = transport === 'udp' || transport === 'dtls' ? 'udp' : 'tcp';
  return `_${uri.scheme}._${protocol}.${uri.host}`;
}

async function srvPlaces(uri: TurnUri, names: Names, options: ResolveOptions): Promise<readonly Place[]> {
  const lists = await Promise.all(
    allowedTransports(uri).map(async (transport) => {
      const records = await quietly(names.srv(srvName(uri, transport)));
      return toPlaces(records, transport, options);
    }),
  );
  return lists.flat();
}

function toPlaces(
  records: readonly SrvRecord[],
  transport: ClientTransportKind,
  options: ResolveOptions,
): readonly Place[] {
  const ordered = orderSrv(records, options.random ?? Math.random);
  // RFC 2782: a single record whose target is the root says that there is no such service.
  const served = ordered.filter(({ name }) => name !== '' && name !== '.');
  return served.map(({ name, port }) => ({ host: name, port, transport }));
}

/** By priority, and within one by weighted chance (RFC 2782). */
export function orderSrv(records: readonly SrvRecord[], random: () => number): readonly SrvRecord[] {
  const left = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  const ordered: SrvRecord[] = [];
  while (left.length > 0) {
    const group = left.filter(({ priority }) => priority === left[0]?.priority);
    const total = group.reduce((sum, { weight }) => sum + weight, 0);
    ordered.push(...left.splice(indexAt(group, random() * total), 1));
  }
  return ordered;
}

// The record in whose share of the weights the mark lies; the first where nobody has a weight.
function indexAt(group: readonly SrvRecord[], mark: number): number {
  let upTo = 0;
  for (const [index, { weight }] of group.entries()) {
    upTo += weight;
    if (mark < upTo) return index;
  }
  return 0;
}

const NAPTR_TRANSPORTS: Readonly<Record<string, ClientTransportKind>> = Object.freeze({
  'turn.udp': 'udp',
  'turn.tcp': 'tcp',
  'turn.tls': 'tls',
  'turn.dtls': 'dtls',
});

// S-NAPTR with the tag RELAY (RFC 5928 §3, §5; RFC 3958): one step, which is what is deployed. A record of the flag "s"
// leads to SRV, one of "a" to addresses.
async function naptrPlaces(uri: TurnUri, names: Names, options: ResolveOptions): Promise<readonly Place[]> {
  if (uri.scheme !== 'turn' && uri.scheme !== 'turns') return [];
  const records = await quietly(names.naptr(uri.host));
  const wanted = allowedTransports(uri);
  const found: Place[] = [];
  const ordered = [...records].sort((a, b) => a.order - b.order || a.preference - b.preference);
  for (const record of ordered) {
    for (const transport of relayTransports(record).filter((one) => wanted.includes(one)))
      found.push(...(await followNaptr(record, transport, uri, names, options)));
  }
  return found;
}

function relayTransports({ service }: NaptrRecord): readonly ClientTransportKind[] {
  const [tag = '', ...protocols] = service.toLowerCase().split(':');
  if (tag !== 'relay') return [];
  return protocols.flatMap((protocol) => NAPTR_TRANSPORTS[protocol] ?? []);
}

async function followNaptr(
  record: NaptrRecord,
  transport: ClientTransportKind,
  ...[uri, names, options]: [TurnUri, Names, ResolveOptions]
): Promise<readonly Place[]> {
  const flag = record.flags.toLowerCase();
  if (flag === 'a') return [{ host: record.replacement, port: defaultPort(uri.scheme), transport }];
  if (flag !== 's') return [];
  return toPlaces(await quietly(names.srv(record.replacement)), transport, options);
}

interface Origin {
  readonly name: string;
  readonly by: ResolvedBy;
  readonly family: IpFamily | undefined;
}

async function addressesOf(places: readonly Place[], names: Names, origin: Origin): Promise<Found> {
  const families: readonly IpFamily[] = origin.family === undefined ? [4, 6] : [origin.family];
  const targets: Target[] = [];
  let failure: unknown = null;
  for (const { host, port, transport } of places.slice(0, MAX_TARGETS)) {
    for (const family of families) {
      const texts = await names.addresses(host, family).catch((error: unknown) => {
        failure = error;
        return [];
      });
      for (const text of texts) {
        const ip = parseIp(text);
        if (ip === null) continue;
        targets.push({ address: new TransportAddress(ip, port), transport, by: origin.by, name: origin.name });
      }
    }
  }
  return { targets, failure };
}

// Many resolvers on the way know neither SRV nor NAPTR and answer with an error: that must not hide the addresses.
async function quietly<T>(answer: Promise<readonly T[]>): Promise<readonly T[]> {
  return answer.catch(() => []);
}
