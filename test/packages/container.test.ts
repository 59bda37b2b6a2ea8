// The container: the Dockerfile's steps by hand (no engine is needed), what runs in it under the limits of compose.yaml, and
// the two deployments.

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { stageApp } from '../../conf/packaging/stage-app.ts';
import { startTurndWith, temporaryDirectory } from '../support/turnd-process.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const INSTRUCTIONS = read('Dockerfile')
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => /^[A-Z]+ /.test(line));
const LAST_STAGE = INSTRUCTIONS.slice(INSTRUCTIONS.findLastIndex((line) => line.startsWith('FROM ')));
const UID = 64_748;
const skip = process.getuid?.() === 0 ? false : 'a file system that is read-only takes root';
const exec = (line: string | undefined): string[] => JSON.parse(line?.replace(/^.*?(?=\[)/, '') ?? '[]');
const find = (name: string): string | undefined => LAST_STAGE.find((line) => line.startsWith(`${name} `));

test('S61 the last stage runs as a number that is not root, and needs no shell', async (t) => {
  t.equal(find('USER'), `USER ${UID}:${UID}`);
  t.same(
    LAST_STAGE.filter((line) => /^(RUN|SHELL) /.test(line)),
    [],
  );
  t.same(exec(find('ENTRYPOINT')), ['node', '/usr/lib/turnd/app/dist/src/main.js']);
  t.match(exec(find('HEALTHCHECK')), ['node', /turnctl\.js$/, 'status', '--quiet']);
  t.equal(find('STOPSIGNAL'), 'STOPSIGNAL SIGTERM');
});

test('what the build stage copies is there, and .dockerignore lets it in', async (t) => {
  const letIn = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const copied = INSTRUCTIONS.filter((line) => /^COPY [^-]/.test(line)).flatMap((line) => line.split(' ').slice(1, -1));
  t.ok(copied.includes('src'));
  for (const path of copied) {
    t.ok(existsSync(join(ROOT, path)), path);
    t.ok(letIn.includes(path), path);
  }
});

test('S61 the staged app serves read-only, without root and without capabilities', { skip }, async (t) => {
  const directory = temporaryDirectory(t);
  chmodSync(directory, 0o755);
  const app = join(directory, 'app');
  stageApp(app, { os: process.platform, cpu: process.arch });
  for (const name of ['tap', 'typescript', '@types']) t.notOk(existsSync(join(app, 'node_modules', name)), name);
  t.ok(existsSync(join(app, 'node_modules/pg')), 'database drivers are there');
  t.same(
    readdirSync(app, { recursive: true, encoding: 'utf8' }).filter((path) => /\.(ts|map)$/.test(path)),
    [],
  );
  const state = join(directory, 'state');
  mkdirSync(state);
  const confined = `mount -t tmpfs -o mode=0750,uid=${UID} tmpfs ${state}; mount -o remount,bind,ro /; cd ${state}; exec env -u NODE_OPTIONS setpriv --reuid ${UID} --regid ${UID} --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"`;
  const flags = [
    '--state-dir',
    state,
    '--listen',
    'udp://127.0.0.1:0',
    '--relay-address',
    '127.0.0.1',
    '--external-address',
    'none',
    '--log-format',
    'json',
    '--user',
    'alice:correct horse battery',
  ];
  const prefix = ['unshare', '--mount', '--', 'sh', '-euc', confined, '--'];
  const server = await startTurndWith(t, flags, { main: join(app, 'dist/src/main.js'), prefix });
  const { pid } = await server.ready();
  const own = readFileSync(`/proc/${pid}/status`, 'utf8');
  t.match(own, new RegExp(`^Uid:\\s+${UID}\\s`, 'm'));
  for (const set of ['CapEff', 'CapPrm', 'CapBnd']) t.match(own, new RegExp(`^${set}:\\s+0+$`, 'm'));
  const health = [
    process.execPath,
    join(app, 'dist/src/cli/turnctl.js'),
    'status',
    '--quiet',
    '--socket',
    `${state}/turnd.sock`,
  ];
  execFileSync('nsenter', ['--target', String(pid), '--mount', '--', ...health], { cwd: '/' });
  t.equal(await server.stop(), 0);
});

test('S61 compose.yaml and kubernetes.yaml take away what turnd does not need', async (t) => {
  const { turnd } = parse(read('conf/deploy/compose.yaml')).services;
  t.match(turnd, {
    network_mode: 'host',
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
  });
  const [document] = parseAllDocuments(read('conf/deploy/kubernetes.yaml'));
  const { spec } = (document as { toJS(): { spec: { template: { spec: Record<string, unknown> } } } }).toJS().spec
    .template;
  t.match(spec, {
    hostNetwork: true,
    terminationGracePeriodSeconds: 90,
    securityContext: { runAsNonRoot: true, runAsUser: UID },
    containers: [
      {
        securityContext: {
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        },
        readinessProbe: { exec: { command: ['node', /turnctl\.js$/, 'status', '--quiet'] } },
      },
    ],
  });
});
