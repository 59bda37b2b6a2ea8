// Owns what `turnctl init` does to the host and learns from it, behind an interface so that tests need neither a network
// nor chance.

import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { METADATA_BASE_URLS } from '../../net/cloud-metadata.ts';
import { type Discovery, discoverExternal } from '../../net/discover-external.ts';
import { listLocalAddresses, pickRelayAddresses } from '../../net/interfaces.ts';
import { resolveName } from '../../net/name-watcher.ts';
import { openUdpSocket } from '../../net/stun-probe.ts';

/** A public address, and who told it. */
export interface PublicAddress {
  readonly ip: string;
  readonly source: string;
}

/** A file to write. */
export interface NewFile {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
}

/** The host that turnd is set up on. */
export interface InitHost {
  readonly hostName: string;
  /** Unix seconds. */
  now(): number;
  /** Hexadecimal digits that nobody can guess. */
  randomText(bytes: number): string;
  /** Null when nobody knows; takes half a second at most. */
  findPublicAddress(): Promise<PublicAddress | null>;
  /** Throws what `node:fs` throws: EEXIST for a file that is there, unless it may be replaced. */
  write(file: NewFile, mayReplace: boolean): void;
  remove(path: string): void;
}

const DISCOVERY_MS = 500;

/** This host. */
export const thisHost: InitHost = Object.freeze({
  hostName: hostname(),
  now: () => Math.floor(Date.now() / 1000),
  randomText: (bytes: number) => randomBytes(bytes).toString('hex'),
  findPublicAddress,
  write: writeWhole,
  remove: (path: string) => rmSync(path, { force: true }),
});

async function findPublicAddress(): Promise<PublicAddress | null> {
  const { ipv4, ipv6 } = pickRelayAddresses(listLocalAddresses());
  const local = [ipv4, ipv6].filter((one) => one !== null);
  const own = local.find(({ scope }) => scope === 'public');
  if (own !== undefined && own === local[0]) return { ip: own.ip.toString(), source: own.interfaceName };
  const found = await discoverExternal({
    relayAddresses: local.map(({ ip }) => ip),
    stunServers: [],
    metadataBaseUrls: METADATA_BASE_URLS,
    openSocket: openUdpSocket,
    resolve: resolveName,
    timeoutMs: DISCOVERY_MS,
  });
  const told = publicOf(found.ipv4) ?? publicOf(found.ipv6);
  return told ?? (own === undefined ? null : { ip: own.ip.toString(), source: own.interfaceName });
}

function publicOf(discovery: Discovery | null): PublicAddress | null {
  const mapping = discovery?.mappings[0];
  return mapping === undefined ? null : { ip: mapping.public.toString(), source: discovery?.source ?? '' };
}

/** Nobody sees half a file, or one with other permissions than it is to have. */
function writeWhole({ path, text, mode }: NewFile, mayReplace: boolean): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.new`;
  rmSync(temporary, { force: true });
  try {
    writeFileSync(temporary, text, { mode, flag: 'wx' });
    chmodSync(temporary, mode); // whatever the umask
    if (mayReplace) renameSync(temporary, path);
    else linkSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}
