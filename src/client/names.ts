// Owns how names are asked for: what the resolver needs of DNS, and two sources of it.

import type { NaptrRecord, SrvRecord } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';

/** Answers about names. A name that does not exist is an empty list; only a failing resolver rejects. */
export interface Names {
  /** Addresses of one family as text. */
  addresses(name: string, family: 4 | 6): Promise<readonly string[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  naptr(name: string): Promise<readonly NaptrRecord[]>;
}

const NOTHING: readonly string[] = ['ENOTFOUND', 'ENODATA', 'EAI_NODATA', 'EAI_NONAME', 'EAI_ADDRFAMILY'];

async function orNothing<T>(answer: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOTHING.includes(String(error.code))) return [];
    throw error;
  }
}

/** Everything from DNS servers of the resolver's choice. */
export function namesFrom(resolver: Resolver): Names {
  return {
    addresses: (name, family) => orNothing(family === 4 ? resolver.resolve4(name) : resolver.resolve6(name)),
    srv: (name) => orNothing(resolver.resolveSrv(name)),
    naptr: (name) => orNothing(resolver.resolveNaptr(name)),
  };
}

/** As the system resolves: /etc/hosts and the like have their say for addresses. */
export function systemNames(timeoutMs: number): Names {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  return {
    ...namesFrom(resolver),
    addresses: async (name, family) => {
      const found = await orNothing(lookup(name, { all: true, family }));
      return found.map(({ address }) => address);
    },
  };
}
