// Where metrics are served, and under which names.

import { parseIp } from '../stun/ip-address.ts';
import type { Draft } from './draft.ts';

const DEFAULT_PORT = 9641;
/** What `prometheus` needs to be of use. */
const DETAILS = ['prometheus-port', 'prometheus-address', 'prometheus-path'];

/** Sets what stands below `metrics`. */
export function resolveMetrics(draft: Draft): void {
  const port = draft.port('prometheus-port') ?? DEFAULT_PORT;
  const address = draft.text('prometheus-address');
  const path = draft.text('prometheus-path');
  const named = draft.last('prometheus');
  if (!draft.isOn('prometheus')) {
    for (const name of DETAILS) {
      const entry = draft.last(name);
      if (entry !== null) draft.warn(entry, 'has no effect without prometheus, as in coturn');
    }
    return;
  }
  const ip = address === null ? null : parseIp(address.value);
  if (address !== null && ip === null) {
    draft.fault(address, 'must be an IP address');
    return;
  }
  const host = ip === null ? '*' : ip.family === 6 ? `[${ip.text}]` : ip.text;
  const sources = [address ?? draft.last('prometheus-port') ?? named];
  draft.set('metrics.listen', [`http://${host}:${port}`], 'prometheus; nobody is asked for a password there.', sources);
  draft.set('metrics.coturn-names', true, 'Dashboards made for coturn know its names.', [named]);
  if (path !== null) draft.set('metrics.path', path.value, 'prometheus-path', [path]);
}
