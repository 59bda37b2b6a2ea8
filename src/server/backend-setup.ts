// Which hosts the configuration makes this server talk to, and where they are: nobody's peers (S36).

import type { Config } from '../config/config.ts';
import type { Logger } from '../log/logger.ts';
import { type Backend, BackendAddresses } from '../net/backend-addresses.ts';
import { everyInterval, resolveName } from '../net/name-watcher.ts';
import { systemClock } from '../state/system-clock.ts';
import { nodeTimers } from '../workers/node-timers.ts';
import type { Closers } from './closers.ts';

/** A start waits no longer for names; what comes later is denied from then on. */
const PATIENCE_MS = 2000;

/**
 * All hosts that clients must not reach because this server does. Whatever else it is configured to call or to be called
 * at (a TCP address of the control API, say) belongs in this list.
 */
export function backendsOf({ store, statsdb, metrics, webhooks }: BackendSettings): readonly Backend[] {
  const urls = [store?.url ?? null, statsdb].flatMap((url) => {
    if (url === null || url.kind === 'sqlite' || url.socket !== null) return [];
    return { host: url.host, port: url.port };
  });
  const receivers = webhooks.map(({ url }) => hostOf(new URL(url)));
  // `*` is every own address, which is nobody's peer anyway.
  return [...urls, ...receivers, ...metrics.listen.filter(({ host, port }) => host !== '*' && port !== 0)];
}

type BackendSettings = Pick<Config, 'store' | 'statsdb' | 'metrics' | 'webhooks'>;

function hostOf({ protocol, hostname, port }: URL): Backend {
  const usual = protocol === 'https:' ? 443 : 80;
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? usual : Number(port) };
}

/** Finds them, and keeps finding them. */
export async function openBackends(config: Config, logger: Logger, closers: Closers): Promise<BackendAddresses> {
  const backends = new BackendAddresses({
    resolve: resolveName,
    every: everyInterval,
    now: () => systemClock.now(),
    report: (message) => logger.warn({ event: 'backend-name' }, message),
  });
  closers.add(() => backends.close());
  await atMost(PATIENCE_MS, backends.follow(backendsOf(config)));
  return backends;
}

async function atMost(milliseconds: number, task: Promise<void>): Promise<void> {
  let cancel = (): void => {};
  const late = new Promise<void>((resolve) => {
    cancel = nodeTimers.after(milliseconds, resolve);
  });
  await Promise.race([task, late]);
  cancel();
}
