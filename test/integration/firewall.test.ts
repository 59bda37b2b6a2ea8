// The rules of `turnctl firewall`, loaded by the real programs in a network namespace: firewall-in-namespace.ts, as a
// child test.

import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { inNamespace, namespaceMissing } from '../support/network-namespace.ts';

const CHILD = fileURLToPath(new URL('firewall-in-namespace.js', import.meta.url));
const skip = namespaceMissing(['/usr/sbin/nft', '/usr/sbin/iptables', '/usr/bin/turnutils_uclient']);

test('loaded by nft and iptables in a network namespace', { skip }, (t) => inNamespace(t, CHILD));
