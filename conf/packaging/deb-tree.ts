// Lays out the file tree of the Debian package, with its control files. It builds no archive.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type ManPage, manPage } from './man-pages.ts';
import { NODE_VERSION, type NodeBinary } from './node-binary.ts';
import { turnctlCommands, turnctlText, turndHelp } from './program-text.ts';
import { type Manifest, PROJECT, readProject, stageApp } from './stage-app.ts';

/** What to build. */
export interface DebPlan {
  /** An empty directory. */
  readonly root: string;
  /** In npm's words. */
  readonly cpu: 'x64' | 'arm64';
  readonly node: NodeBinary;
  /** Of every file, so that the same source gives the same bytes; in seconds. */
  readonly epoch: number;
}

/** dpkg's names of architectures. */
export const DEBIAN_ARCHITECTURES: Readonly<Record<DebPlan['cpu'], string>> = Object.freeze({
  x64: 'amd64',
  arm64: 'arm64',
});

const TEMPLATES = 'conf/packaging/debian';
const SHELLS = Object.freeze({
  bash: 'usr/share/bash-completion/completions/turnctl',
  zsh: 'usr/share/zsh/vendor-completions/_turnctl',
  fish: 'usr/share/fish/vendor_completions.d/turnctl.fish',
});

const FILES = `/etc/turnd/turnd.yaml      the configuration: every key with its default
/etc/turnd/secret          the shared secret of time-limited credentials
/var/lib/turnd             keys and users
/run/turnd/turnd.sock      where turnctl reaches turnd
/usr/share/doc/turnd       installing, tuning, troubleshooting, security`;

/** Fills the tree. */
export async function layOutDeb(plan: DebPlan): Promise<void> {
  const { version } = readProject<Manifest>('package.json');
  const tree = new Tree(plan.root);
  stageApp(tree.path('usr/lib/turnd/app'), { os: 'linux', cpu: plan.cpu });
  tree.copy(plan.node.binary, 'usr/lib/turnd/node', 0o755);
  for (const program of ['turnd', 'turnctl']) tree.template(program, `usr/bin/${program}`, 0o755);
  tree.project('systemd/turnd.service', 'usr/lib/systemd/system/turnd.service');
  tree.project('systemd/turnd.sysusers', 'usr/lib/sysusers.d/turnd.conf');
  tree.project('systemd/turnd.tmpfiles', 'usr/lib/tmpfiles.d/turnd.conf');
  tree.write('etc/turnd/turnd.yaml', packagedConfig(readFileSync(join(PROJECT, 'conf/turnd.yaml'), 'utf8')));
  for (const [shell, path] of Object.entries(SHELLS)) {
    tree.write(path, await turnctlText(version, 'completion', shell));
  }
  await addManPages(tree, version, plan.epoch);
  addDocs(tree, plan);
  addControl(tree, plan);
  settle(plan.root, plan.epoch);
}

/**
 * The example, with the one setting that the package makes: a shared secret of this host's own, which postinst writes.
 * @throws Error where the example no longer has the lines that are changed
 */
export function packagedConfig(example: string): string {
  const changed = example
    .replace('\n#auth:\n', '\nauth:\n')
    .replace('\n#  secrets: []\n', '\n  secrets: [{value-file: /etc/turnd/secret}]\n');
  if (!/\nauth:\n(#.*\n)* {2}secrets: \[\{/.test(changed))
    throw new Error('conf/turnd.yaml has no auth.secrets to set');
  return changed;
}

async function addManPages(tree: Tree, version: string, epoch: number): Promise<void> {
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  const add = (page: Pick<ManPage, 'name' | 'section' | 'summary' | 'parts'>): void => {
    const path = `usr/share/man/man${page.section}/${page.name}.${page.section}.gz`;
    tree.compress(path, manPage({ ...page, version, date }));
  };
  const commands = [];
  for (const name of await turnctlCommands(version)) {
    commands.push({ heading: name, text: await turnctlText(version, 'help', name) });
  }
  const usage = { heading: 'Usage', text: await turnctlText(version, '--help') };
  add({ name: 'turnctl', section: 1, summary: "the operator's tool for turnd", parts: [usage, ...commands] });
  const parts = [
    { heading: 'Usage', text: turndHelp(version) },
    { heading: 'Files', text: FILES },
  ];
  add({ name: 'turnd', section: 8, summary: 'TURN and STUN server', parts });
}

function addDocs(tree: Tree, { node }: DebPlan): void {
  const docs = 'usr/share/doc/turnd';
  for (const name of readdirSync(join(PROJECT, 'docs')).filter((name) => name.endsWith('.md'))) {
    tree.project(`docs/${name}`, `${docs}/${name}`);
  }
  tree.project('README.md', `${docs}/README.md`);
  for (const path of ['filter.d/turnd.conf', 'jail.d/turnd.conf']) {
    tree.project(`conf/fail2ban/${path}`, `${docs}/examples/fail2ban/${path}`);
  }
  tree.compress(`${docs}/changelog.gz`, readFileSync(join(PROJECT, 'CHANGELOG.md'), 'utf8'));
  tree.compress(`${docs}/changelog.Debian.gz`, tree.read('changelog'));
  tree.write(`${docs}/copyright`, tree.read('copyright'));
  tree.copy(node.licence, `${docs}/node-licence.txt`, 0o644);
}

function addControl(tree: Tree, { cpu }: DebPlan): void {
  const { version } = readProject<Manifest>('package.json');
  const values: Readonly<Record<string, string>> = {
    VERSION: `${version}-1`,
    ARCHITECTURE: DEBIAN_ARCHITECTURES[cpu],
    NODE: NODE_VERSION,
    SIZE: String(Math.ceil(sizeOf(tree.path('')) / 1024)),
  };
  tree.write(
    'DEBIAN/control',
    tree.read('control').replace(/@(\w+)@/g, (_, name: string) => values[name] ?? ''),
  );
  tree.write('DEBIAN/conffiles', '/etc/turnd/turnd.yaml\n');
  for (const script of ['postinst', 'prerm', 'postrm']) tree.template(script, `DEBIAN/${script}`, 0o755);
  const sums = execFileSync('sh', ['-c', 'find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum'], {
    cwd: tree.path(''),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  tree.write('DEBIAN/md5sums', sums);
}

function sizeOf(path: string): number {
  const facts = lstatSync(path);
  if (!facts.isDirectory()) return facts.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 4096);
}

/** Modes and times that do not depend on who builds, and when. */
function settle(path: string, epoch: number): void {
  const facts = lstatSync(path);
  if (facts.isDirectory()) for (const name of readdirSync(path)) settle(join(path, name), epoch);
  chmodSync(path, facts.isDirectory() || (facts.mode & 0o100) !== 0 ? 0o755 : 0o644);
  utimesSync(path, epoch, epoch);
}

/** The tree, by paths from its root. */
class Tree {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  path(path: string): string {
    return join(this.#root, path);
  }

  write(path: string, content: string | Uint8Array, mode = 0o644): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), content, { mode });
  }

  compress(path: string, content: string): void {
    this.write(path, gzipSync(content, { level: 9 }));
  }

  copy(from: string, path: string, mode: number): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    copyFileSync(from, this.path(path));
    chmodSync(this.path(path), mode);
  }

  /** A file of the project as it is. */
  project(from: string, path: string): void {
    this.copy(join(PROJECT, from), path, 0o644);
  }

  template(name: string, path: string, mode: number): void {
    this.copy(join(PROJECT, TEMPLATES, name), path, mode);
  }

  /** The text of a template. */
  read(name: string): string {
    return readFileSync(join(PROJECT, TEMPLATES, name), 'utf8');
  }
}
