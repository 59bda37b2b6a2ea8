// The configuration of an operator who moves runs under coturn and under turnd: in a network namespace, on its own ports.

import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { namespaceMissing } from '../support/network-namespace.ts';

const CHILD = fileURLToPath(new URL('coturn-in-namespace.js', import.meta.url));
const LIMIT_MS = 120_000;

test("coturn's configuration, unchanged", { skip: namespaceMissing(), timeout: LIMIT_MS }, async (t) => {
  await t.spawn('unshare', ['--net', process.execPath, CHILD], { timeout: LIMIT_MS });
});
