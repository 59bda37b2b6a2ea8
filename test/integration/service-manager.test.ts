// A whole server beside a service manager: a socket of another program's gets what sd_notify sends.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Test, test } from 'tap';
import { loadLibc } from '../../src/planes/linux/libc.ts';
import { openNotifySocket } from '../../src/planes/linux/notify-socket.ts';
import { findProgram } from '../support/foreign-program.ts';
import { Inbox } from '../support/inbox.ts';
import { linuxPlaneSkip } from '../support/plane-under-test.ts';
import { patiently } from '../support/raw-client.ts';
import { labFlags, startTurndWith, temporaryDirectory } from '../support/turnd-process.ts';

const python = findProgram('TURND_TEST_PYTHON', ['/usr/bin/python3']);
const skip = python.skip || (await linuxPlaneSkip());
const PATIENCE_MS = 30_000;

// A line per datagram, in JSON; the first one says that it listens.
const RECEIVER = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
a = sys.argv[1]
s.bind('\\0' + a[1:] if a[0] == '@' else a)
print('"bound"', flush=True)
while True: print(json.dumps(s.recv(65536).decode()), flush=True)
`;

/** What was told to a socket. */
class Manager {
  readonly #told = new Inbox<string>();

  static async open(t: Test, address: string): Promise<Manager> {
    const manager = new Manager();
    const child = spawn(python.path, ['-c', RECEIVER, address], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.teardown(() => child.kill());
    createInterface({ input: child.stdout }).on('line', (line) => manager.#told.put(JSON.parse(line) as string));
    t.equal(await manager.next(), 'bound');
    return manager;
  }

  next(): Promise<string> {
    return patiently('a datagram', this.#told.next(), PATIENCE_MS);
  }

  /** The next datagram that begins so. */
  async until(beginning: string): Promise<string> {
    for (;;) {
      const text = await this.next();
      if (text.startsWith(beginning)) return text;
    }
  }
}

test('datagrams reach a socket by its path and by its abstract name', { skip }, async (t) => {
  const libc = await loadLibc();
  for (const address of [join(temporaryDirectory(t), 'notify'), `@turnd-test-${process.pid}`]) {
    const manager = await Manager.open(t, address);
    const socket = openNotifySocket(libc, address);
    socket.send('READY=1\nSTATUS=Süß');
    t.equal(await manager.next(), 'READY=1\nSTATUS=Süß', address);
    socket.close();
  }
  const nobody = openNotifySocket(libc, join(temporaryDirectory(t), 'nobody'));
  nobody.send('READY=1');
  nobody.close();
  t.throws(() => openNotifySocket(libc, 'vsock:2:1'), RangeError);
  t.throws(() => openNotifySocket(libc, `/${'x'.repeat(200)}`), RangeError);
});

test('R22 a service manager is told of readiness, life, reloads and the end', { skip }, async (t) => {
  const directory = temporaryDirectory(t);
  const address = join(directory, 'notify');
  const manager = await Manager.open(t, address);
  const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: '400000' };
  const server = await startTurndWith(t, labFlags(directory), { env });
  t.match(await manager.next(), /^READY=1\nSTATUS=Serving: 0 allocations /);
  t.equal(await manager.next(), 'WATCHDOG=1');
  t.equal(await manager.next(), 'WATCHDOG=1');
  for (const pid of childrenOf(server.pid))
    t.notMatch(readFileSync(`/proc/${pid}/environ`, 'latin1'), /NOTIFY_SOCKET|WATCHDOG/);
  server.child.kill('SIGHUP');
  const [, microseconds = '0'] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(await manager.until('RELOADING=1')) ?? [];
  const [uptime = '0'] = readFileSync('/proc/uptime', 'utf8').split(' ');
  t.ok(Math.abs(Number(uptime) - Number(microseconds) / 1e6) < 60, 'the clock that the manager reads');
  t.match(await manager.until('READY=1'), /^READY=1\nSTATUS=Serving/);
  server.child.kill('SIGTERM');
  t.match(await manager.until('STOPPING=1'), /^STOPPING=1\nSTATUS=/);
  t.equal(await server.ended, 0);
  t.equal(server.stderr, '');
});

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}
