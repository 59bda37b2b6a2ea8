// The rules of `turnctl firewall`, judged by ufw and firewalld themselves: these change nothing on this host.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { TURNCTL, temporaryConfig } from '../support/firewall-rules.ts';
import { findProgram } from '../support/foreign-program.ts';
import { temporaryDirectory } from '../support/turnd-process.ts';

const ufw = findProgram('TURND_TEST_UFW', ['/usr/sbin/ufw']);
const firewalld = findProgram('TURND_TEST_FIREWALLD', ['/usr/bin/firewall-offline-cmd']);

/** Every kind of destination. */
const YAML = `listen: [udp://*:3478, "tcp://[::]:3478", tcp://0.0.0.0:3478, tls://192.0.2.1:5349]
relay: {ports: 50000-50099, address: [192.0.2.1, "2001:db8::1"]}
`;

function rules(firewall: string, config: string) {
  const args = [TURNCTL, 'firewall', '--for', firewall, '--egress', '--json', '--config', config];
  return JSON.parse(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout).rules as {
    readonly lines: readonly string[];
    readonly removal: readonly string[];
  };
}

test('ufw takes every line, and every line of the removal', { skip: ufw.skip }, async (t) => {
  const { lines, removal } = rules('ufw', temporaryConfig(t, YAML));
  t.equal(lines.length, 7);
  for (const line of [...lines, ...removal]) {
    const command = line.replace(/^ufw/, `unshare --net ${ufw.path} --dry-run`);
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
    t.equal(status, 0, `${line}: ${stderr}`);
    t.match(stdout, /Rules updated|non-existent/, line);
  }
});

test('firewalld makes a service and rich rules of the lines, and takes them back', {
  skip: firewalld.skip,
}, async (t) => {
  const { lines, removal } = rules('firewalld', temporaryConfig(t, YAML));
  const directory = temporaryDirectory(t);
  const run = (line: string): void => {
    if (line === 'firewall-cmd --reload') return;
    const command = line.replace('firewall-cmd --permanent', `${firewalld.path} --system-config ${directory}`);
    const { status, stderr, stdout } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
    t.match({ status, stdout }, { status: 0, stdout: /success/ }, `${line}: ${stderr}`);
  };
  for (const line of lines) run(line);
  const zone = () => readFileSync(join(directory, 'zones/public.xml'), 'utf8');
  t.match(readFileSync(join(directory, 'services/turnd.xml'), 'utf8'), /<port port="3478" protocol="udp"\/>/);
  t.match(zone(), /<service name="turnd"\/>/);
  t.match(zone(), /<destination address="2001:db8::1"\/>\s*<port port="50000-50099" protocol="udp"\/>\s*<accept\/>/);
  for (const line of removal) run(line);
  t.notMatch(zone(), /turnd|rule/);
  t.notOk(existsSync(join(directory, 'services/turnd.xml')));
});
