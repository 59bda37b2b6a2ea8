// Finds out which addresses relay, and what they are shown as. Says in the log what an operator must know.

import type { Config } from '../config/config.ts';
import { TurnServerError } from '../errors.ts';
import type { Logger } from '../log/logger.ts';
import { type ExternalAddresses, type ExternalAddressSetting, openExternalAddresses } from '../net/external-address.ts';
import { listLocalAddresses, pickRelayAddresses, scopeOf } from '../net/interfaces.ts';
import { type IpAddress, parseIp } from '../stun/ip-address.ts';

/** The relay addresses of this server. */
export interface RelaySetup {
  /** Addresses to bind, at most one per family. */
  readonly addresses: readonly IpAddress[];
  readonly external: ExternalAddresses;
  /** Finds the external addresses of another configuration, which are in force when they have been committed. Never rejects. */
  prepare(config: Config): Promise<PendingExternal>;
}

/** External addresses that are known and not yet in force. One of the two is called, once. */
export interface PendingExternal {
  /** New allocations are shown by them from now on. */
  commit(): void;
  cancel(): void;
}

/** @throws TurnServerError `TURN_RELAY_ADDRESS` when the host has no address to relay from */
export async function setUpRelay(config: Config, logger: Logger): Promise<RelaySetup> {
  const addresses = relayAddresses(config);
  if (addresses.length === 0) {
    throw new TurnServerError('TURN_RELAY_ADDRESS', 'this host has no address to relay from: set relay.address');
  }
  warnOfForeign(addresses, logger);
  const open = (of: Config): Promise<ExternalAddresses> =>
    openExternalAddresses(externalSetting(of), {
      relayAddresses: addresses,
      report: (message) => logger.warn({ event: 'external-address' }, message),
    });
  const external = await open(config);
  warnOfLocalOnly(addresses, external, logger);
  const prepare = async (next: Config): Promise<PendingExternal> => {
    const found = await open(next);
    const commit = (): void => {
      external.become(found);
      warnOfLocalOnly(addresses, external, logger);
    };
    return { commit, cancel: () => found.close() };
  };
  return { addresses, external, prepare };
}

/** Relayed addresses as shown to clients now. */
export function shownBy({ addresses, external }: RelaySetup): readonly string[] {
  return addresses.map((ip) => external.current(ip).text);
}

function relayAddresses({ relay }: Config): IpAddress[] {
  if (relay.address.kind === 'auto') {
    const { ipv4, ipv6 } = pickRelayAddresses(listLocalAddresses());
    return [ipv4, ipv6].flatMap((address) => address?.ip ?? []);
  }
  return [relay.address.ipv4, relay.address.ipv6].flatMap((text) => (text === null ? [] : literal(text)));
}

function externalSetting({ relay }: Config): ExternalAddressSetting {
  const setting = relay.externalAddress;
  switch (setting.kind) {
    case 'auto':
      return { kind: 'auto', stunServers: relay.stunServers };
    case 'none':
      return { kind: 'none' };
    case 'name':
      return { kind: 'dns', name: setting.name };
    case 'listed':
      return { kind: 'families', ipv4: target(setting.ipv4), ipv6: target(setting.ipv6) };
    case 'pairs':
      return {
        kind: 'pairs',
        pairs: setting.pairs.map((pair) => ({ private: literal(pair.private), public: literal(pair.public) })),
      };
  }
}

function target(text: string | null) {
  return text === null ? null : ({ kind: 'ip', ip: literal(text) } as const);
}

function literal(text: string): IpAddress {
  const ip = parseIp(text);
  if (ip === null) throw new TypeError(`the schema let ${text} pass as an address`);
  return ip;
}

// Nothing is bound before the first allocation. An address may also come later (VRRP), so this ends nothing.
function warnOfForeign(addresses: readonly IpAddress[], logger: Logger): void {
  const local = listLocalAddresses();
  const isForeign = (ip: IpAddress): boolean => scopeOf(ip) !== 'loopback' && !local.some((own) => own.ip.equals(ip));
  const foreign = addresses.filter(isForeign).map((ip) => ip.text);
  if (foreign.length === 0) return;
  logger.warn(
    { event: 'relay-address-missing', relay: foreign },
    'this host does not have the relay address, so no allocation can be made on it: mend --relay-address',
  );
}

// The most common fault of a TURN server: everything works on the operator's desk and nowhere else.
function warnOfLocalOnly(addresses: readonly IpAddress[], external: ExternalAddresses, logger: Logger): void {
  const local = addresses.map((address) => external.current(address)).filter((shown) => scopeOf(shown) !== 'public');
  if (local.length === 0) return;
  logger.warn(
    { event: 'relay-local-only', relayed: local.map((ip) => ip.text) },
    'relayed addresses can be reached in this network only: behind a NAT, set --external-address to the public address',
  );
}
