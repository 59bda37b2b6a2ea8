// The address that this server shows for a relay address: configured, resolved from a name, or discovered.
// Owns the mapping and its changes, another setting included; how an address is discovered is discover-external.ts' business.

import type { IpAddress, IpFamily } from '../stun/ip-address.ts';
import { METADATA_BASE_URLS, type MetadataBaseUrls, type PublicMapping } from './cloud-metadata.ts';
import { type DiscoverySource, discoverExternal, type StunServer } from './discover-external.ts';
import { scopeOf } from './interfaces.ts';
import { type Every, everyInterval, NameWatcher, type ResolveName, resolveName } from './name-watcher.ts';
import { type OpenSocket, openUdpSocket } from './stun-probe.ts';

/** An external address as it is written: literally, or as a DNS name with A and AAAA records. */
export type ExternalTarget =
  | { readonly kind: 'ip'; readonly ip: IpAddress }
  | { readonly kind: 'dns'; readonly name: string };

/** The `relay.external-address` setting. A target holds for every relay address of its families. */
export type ExternalAddressSetting =
  | { readonly kind: 'none' }
  | { readonly kind: 'auto'; readonly stunServers: readonly StunServer[] }
  | ExternalTarget
  | { readonly kind: 'families'; readonly ipv4: ExternalTarget | null; readonly ipv6: ExternalTarget | null }
  | { readonly kind: 'pairs'; readonly pairs: readonly { readonly private: IpAddress; readonly public: IpAddress }[] };

/** What {@link openExternalAddresses} works with; everything optional has an ordinary default. */
export interface ExternalAddressOptions {
  /** The addresses that relay sockets are bound to. */
  readonly relayAddresses: readonly IpAddress[];
  /** Takes one sentence for the log. */
  readonly report: (message: string) => void;
  readonly resolve?: ResolveName;
  readonly every?: Every;
  readonly metadataBaseUrls?: MetadataBaseUrls;
  readonly openSocket?: OpenSocket;
  /** For each of the three steps of discovery (see `DiscoverOptions`). Default 500. */
  readonly timeoutMs?: number;
}

/** Where the external address of a family comes from; null = no relay address in it. For the line at start. */
export interface ExternalSources {
  readonly ipv4: DiscoverySource | 'configured' | null;
  readonly ipv6: DiscoverySource | 'configured' | null;
}

/** What {@link ExternalAddresses} stands on. */
interface MappingState {
  readonly sources: ExternalSources;
  /** The mappings now in force; one whose `private` is null holds for its whole family. */
  readonly read: () => readonly PublicMapping[];
  /** Whether such a mapping leaves public and loopback relay addresses as they are. */
  readonly onlyPrivate: boolean;
  readonly watchers: readonly NameWatcher[];
  readonly listeners: (() => void)[];
}

/** Which address is shown for which relay address. A change concerns new allocations only. */
export class ExternalAddresses {
  #state: MappingState;
  readonly #listeners: (() => void)[] = [];
  readonly #changed = (): void => {
    for (const listener of this.#listeners) listener();
  };

  /** For {@link openExternalAddresses} only. */
  constructor(state: MappingState) {
    this.#state = state;
    this.#state.listeners.push(this.#changed);
  }

  get sources(): ExternalSources {
    return this.#state.sources;
  }

  /** The address to show for a relay socket bound to `privateIp`; `privateIp` itself where nothing else is known. */
  current(privateIp: IpAddress): IpAddress {
    const mappings = this.#state.read();
    const exact = mappings.find((mapping) => mapping.private?.equals(privateIp));
    if (exact !== undefined) return exact.public;
    if (this.#state.onlyPrivate && scopeOf(privateIp) !== 'private') return privateIp;
    const general = mappings.find(({ private: of, public: { family } }) => of === null && family === privateIp.family);
    return general?.public ?? privateIp;
  }

  /** Every external address now in force. */
  all(): IpAddress[] {
    return this.#state.read().map((mapping) => mapping.public);
  }

  /** Calls `listener` after each change of a resolved name, and of the setting. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Puts another setting in force, which was opened for the same relay addresses; `next` is of no use from then on. */
  become(next: ExternalAddresses): void {
    this.close();
    this.#state = next.#state;
    this.#state.listeners.length = 0;
    this.#state.listeners.push(this.#changed);
    this.#changed();
  }

  /** Stops resolving; the addresses stay. Idempotent. */
  close(): void {
    for (const watcher of this.#state.watchers) watcher.close();
  }
}

/** Puts a setting in force: discovers or resolves for the first time. Never rejects. */
export async function openExternalAddresses(
  setting: ExternalAddressSetting,
  options: ExternalAddressOptions,
): Promise<ExternalAddresses> {
  switch (setting.kind) {
    case 'none':
      return fixed({ ipv4: 'none', ipv6: 'none' }, [], false);
    case 'auto':
      return discovered(setting.stunServers, options);
    case 'pairs':
      return fixed({ ipv4: pairSource(setting.pairs, 4), ipv6: pairSource(setting.pairs, 6) }, setting.pairs, false);
    case 'families':
      return targeted(setting.ipv4, setting.ipv6, options);
    default:
      return targeted(setting, setting, options);
  }
}

function fixed(sources: ExternalSources, mappings: readonly PublicMapping[], onlyPrivate: boolean): ExternalAddresses {
  return new ExternalAddresses({ sources, read: () => mappings, onlyPrivate, watchers: [], listeners: [] });
}

async function discovered(stunServers: readonly StunServer[], options: ExternalAddressOptions) {
  const { ipv4, ipv6 } = await discoverExternal({
    relayAddresses: options.relayAddresses,
    stunServers,
    metadataBaseUrls: options.metadataBaseUrls ?? METADATA_BASE_URLS,
    openSocket: options.openSocket ?? openUdpSocket,
    resolve: options.resolve ?? resolveName,
    timeoutMs: options.timeoutMs ?? 500,
  });
  const sources = { ipv4: ipv4?.source ?? null, ipv6: ipv6?.source ?? null };
  return fixed(sources, [...(ipv4?.mappings ?? []), ...(ipv6?.mappings ?? [])], true);
}

async function targeted(ipv4: ExternalTarget | null, ipv6: ExternalTarget | null, options: ExternalAddressOptions) {
  const { resolve = resolveName, every = everyInterval, report } = options;
  const listeners: (() => void)[] = [];
  const onChange = () => {
    for (const listener of listeners) listener();
  };
  const names = new Set([ipv4, ipv6].flatMap((target) => (target?.kind === 'dns' ? target.name : [])));
  const watchers = [...names].map((name) => new NameWatcher(name, { resolve, every, report, onChange }));
  await Promise.all(watchers.map((watcher) => watcher.refresh()));
  return new ExternalAddresses({
    sources: { ipv4: targetSource(ipv4, 4), ipv6: targetSource(ipv6, 6) },
    read: () => [...mappingOf(ipv4, 4, watchers), ...mappingOf(ipv6, 6, watchers)],
    onlyPrivate: false,
    watchers,
    listeners,
  });
}

function mappingOf(target: ExternalTarget | null, family: IpFamily, watchers: NameWatcher[]): PublicMapping[] {
  if (target === null) return [];
  const ip = target.kind === 'ip' ? target.ip : watchers.find(({ name }) => name === target.name)?.address(family);
  return ip?.family === family ? [{ private: null, public: ip }] : [];
}

function targetSource(target: ExternalTarget | null, family: IpFamily): 'configured' | 'none' {
  if (target === null) return 'none';
  return target.kind === 'dns' || target.ip.family === family ? 'configured' : 'none';
}

function pairSource(pairs: readonly PublicMapping[], family: IpFamily): 'configured' | 'none' {
  return pairs.some((pair) => pair.private?.family === family) ? 'configured' : 'none';
}
