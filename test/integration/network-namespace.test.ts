// Tests that need ports and addresses of their own run in a network namespace: in-namespace.ts, as a child test.

import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { inNamespace, namespaceMissing } from '../support/network-namespace.ts';

const CHILD = fileURLToPath(new URL('in-namespace.js', import.meta.url));

test('in a network namespace', { skip: namespaceMissing() }, (t) => inNamespace(t, CHILD));
