// The log lines about connections to listeners for proxies that were closed: a forgotten `proxy-protocol.trusted`, or a
// proxy that sends no header, would else be a riddle. Knows no sockets.

import type { Config } from '../config/config.ts';
import { hideAddresses, showAddress } from '../log/hidden-addresses.ts';
import { LineBudget, shareOfLines } from '../log/line-budget.ts';
import type { Logger } from '../log/logger.ts';
import type { ProxyRefused } from '../streams/stream-group.ts';

/** In all processes together: whoever scans ports makes such lines. */
const LINES_PER_SECOND = 2;

/** What the lines are made with. */
export interface ProxyRefusalsParts {
  readonly logger: Logger;
  readonly config: Pick<Config, 'log'>;
  readonly nonceKey: Buffer;
  readonly processes: number;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** Makes what writes them. */
export function proxyRefusals({ logger, config, nonceKey, processes, now: clock }: ProxyRefusalsParts): ProxyRefused {
  const show = config.log.hideAddresses ? hideAddresses(nonceKey) : showAddress;
  const budget = new LineBudget(shareOfLines(LINES_PER_SECOND, processes));
  return (address, isTrusted) => {
    const now = clock();
    const suppressed = budget.takeSuppressed(now);
    if (!budget.take(now)) return;
    const line = { event: 'proxy-refused', proxy: show(address), ...(suppressed > 0 ? { suppressed } : {}) };
    logger.warn(line, isTrusted ? NO_HEADER : NOT_TRUSTED);
  };
}

const NOT_TRUSTED =
  'connection to a listener with ?proxy-protocol from an address that is not in proxy-protocol.trusted';
const NO_HEADER = 'a proxy sent no PROXY header: let it send one (haproxy: send-proxy, nginx: proxy_protocol on)';
