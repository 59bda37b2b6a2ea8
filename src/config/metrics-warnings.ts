// Warns of metrics that others than this host can read: they tell how busy a server is, and nobody is asked who he is.

import type { Config } from './config.ts';
import { formatHttpUrl, isLoopback } from './http-url.ts';

/** One sentence for each such address. */
export function warnOfMetrics({ metrics }: Pick<Config, 'metrics'>): string[] {
  return metrics.listen
    .filter((address) => !isLoopback(address))
    .map(
      (address) =>
        `metrics.listen: ${formatHttpUrl(address)} can be read by whoever reaches it, without a password: ` +
        'let only the host of Prometheus in by the firewall, or listen on http://127.0.0.1',
    );
}
