import { test } from 'tap';
import { exitStatusOf } from '../../src/errors.ts';
import { listenFault } from '../../src/server/listen-fault.ts';

const SENTENCES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program uses it: stop that one, or choose another port',
  EADDRNOTAVAIL: 'this host has no such address: name one that it has, or * for all',
  EAFNOSUPPORT: 'this host lacks this address family: name another address',
  EACCES: 'permission denied: choose a port above 1023, or give turnd CAP_NET_BIND_SERVICE',
  EMFILE: 'too many open files',
};

test('the sentence says which listener failed, why, and what to do', async (t) => {
  for (const [code, advice] of Object.entries(SENTENCES)) {
    const fault = listenFault('tcp+tls', '::', 443, Object.assign(new Error(code), { code }));
    t.equal(fault.message, `cannot listen on TCP+TLS :: port 443: ${advice}`);
    t.equal(exitStatusOf(fault), 1);
  }
});
