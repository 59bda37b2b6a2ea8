// Finds the public address in front of private relay addresses when nobody has configured one: the cloud's metadata
// service first, then STUN servers. Runs once; which relay addresses there are is given.

import { type IpAddress, type IpFamily, parseIp } from '../stun/ip-address.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import {
  askMetadataServices,
  type MetadataBaseUrls,
  type MetadataService,
  type PublicMapping,
} from './cloud-metadata.ts';
import { scopeOf } from './interfaces.ts';
import type { ResolveName } from './name-watcher.ts';
import { type OpenSocket, probeMappedAddress } from './stun-probe.ts';

/** A STUN server that the operator trusts to tell the public address. */
export interface StunServer {
  /** An address or a DNS name. */
  readonly host: string;
  readonly port: number;
}

/** What discovery works with. */
export interface DiscoverOptions {
  readonly relayAddresses: readonly IpAddress[];
  readonly stunServers: readonly StunServer[];
  readonly metadataBaseUrls: MetadataBaseUrls;
  readonly openSocket: OpenSocket;
  readonly resolve: ResolveName;
  /** For all metadata services together; then for the names of all STUN servers; then for their answers. */
  readonly timeoutMs: number;
}

/** Who told the public address of a family; `none` = nobody, and the relay is reachable in its own network only. */
export type DiscoverySource = 'interface' | MetadataService | 'stun' | 'none';

/** What was found for one family in which relay addresses are private. */
export interface Discovery {
  readonly source: DiscoverySource;
  /** A mapping whose `private` is null holds for every relay address of the family. */
  readonly mappings: readonly PublicMapping[];
}

/** Both families; null where there is no relay address. */
export interface Discoveries {
  readonly ipv4: Discovery | null;
  readonly ipv6: Discovery | null;
}

/** Finds what can be found in time; never rejects. A relay address that is public itself needs nothing else. */
export async function discoverExternal(options: DiscoverOptions): Promise<Discoveries> {
  const metadata = hasPrivate(options.relayAddresses)
    ? await askMetadataServices(options.metadataBaseUrls, options.timeoutMs)
    : [];
  const discover = async (family: IpFamily): Promise<Discovery | null> => {
    const relays = options.relayAddresses.filter((ip) => ip.family === family);
    if (relays.length === 0) return null;
    if (relays.some((ip) => scopeOf(ip) === 'public')) return { source: 'interface', mappings: [] };
    if (!hasPrivate(relays)) return { source: 'none', mappings: [] };
    for (const { service, mappings } of metadata) {
      const usable = mappings.filter((mapping) => mapping.public.family === family && isPublic(mapping));
      if (usable.length > 0) return { source: service, mappings: [...usable, general(usable[0]!)] };
    }
    const probed = await probeAll(relays, family, options);
    return { source: probed.length > 0 ? 'stun' : 'none', mappings: probed };
  };
  const [ipv4, ipv6] = await Promise.all([discover(4), discover(6)]);
  return { ipv4, ipv6 };
}

async function probeAll(relays: IpAddress[], family: IpFamily, options: DiscoverOptions): Promise<PublicMapping[]> {
  const servers = await Promise.all(options.stunServers.map((server) => locate(server, family, options)));
  const asked = relays.flatMap((local) => servers.flatMap((server) => (server === null ? [] : [{ local, server }])));
  const answers = await Promise.all(
    asked.map(async ({ local, server }): Promise<PublicMapping[]> => {
      const { timeoutMs, openSocket } = options;
      const mapped = await probeMappedAddress({ server, local, timeoutMs, openSocket }).catch(() => null);
      return mapped === null ? [] : [{ private: local, public: mapped }];
    }),
  );
  return answers.flat().filter(isPublic);
}

/** The server's transport address in this family, or null; a resolver that hangs costs no more than the time given. */
async function locate(
  server: StunServer,
  family: IpFamily,
  options: DiscoverOptions,
): Promise<TransportAddress | null> {
  const literal = parseIp(server.host);
  const found = literal === null ? await withinTime(options.resolve(server.host), options.timeoutMs) : [literal];
  const ip = found.find((one) => one.family === family);
  return ip === undefined ? null : new TransportAddress(ip, server.port);
}

function withinTime(found: Promise<IpAddress[]>, timeoutMs: number): Promise<IpAddress[]> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve([]), timeoutMs);
    const settle = (ips: IpAddress[]) => {
      clearTimeout(timer);
      resolve(ips);
    };
    found.then(settle, () => settle([]));
  });
}

function general(mapping: PublicMapping): PublicMapping {
  return { private: null, public: mapping.public };
}

function isPublic(mapping: PublicMapping): boolean {
  return scopeOf(mapping.public) === 'public';
}

function hasPrivate(relays: readonly IpAddress[]): boolean {
  return relays.some((ip) => scopeOf(ip) === 'private');
}
