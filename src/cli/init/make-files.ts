// Owns the files that `turnctl init` writes: their names, permissions and text.

import { join } from 'node:path';
import { stringify } from 'yaml';
import type { InitAnswers } from './answers.ts';
import type { InitHost, NewFile } from './init-host.ts';

/** The credential of the configuration: a secret, or the password of the user. */
export interface MadeFiles {
  readonly credential: string;
  /** The file that holds it. */
  readonly credentialFile: string;
  /** What holds credentials first, the configuration last. */
  readonly files: readonly NewFile[];
  readonly configFile: string;
}

const SECRET_BYTES = 32;
const PRIVATE = 0o600;
const PUBLIC = 0o644;

/** Makes the files but for the firewall's: that one needs the configuration as it is read. */
export function makeFiles(answers: InitAnswers, directory: string, host: InitHost): MadeFiles {
  const credential = answers.user?.password ?? host.randomText(SECRET_BYTES);
  const credentialFile = join(directory, answers.user === null ? 'secret' : 'password');
  const configFile = join(directory, 'turnd.yaml');
  const storeFile = { path: join(directory, 'store-url'), text: `${answers.store}\n`, mode: PRIVATE };
  const files = [
    { path: credentialFile, text: `${credential}\n`, mode: PRIVATE },
    ...(hasPassword(answers.store) ? [storeFile] : []),
    { path: configFile, text: configText(answers), mode: PUBLIC },
  ];
  return { credential, credentialFile, files, configFile };
}

/** A URL with a password stays out of a file that everyone may read. */
function hasPassword(store: string): boolean {
  return /^[a-z]+:\/\/[^/]*@/i.test(store) || /[?& ](?:password|auth)=/i.test(store);
}

function configText(answers: InitAnswers): string {
  const { realm, externalAddress, relayPorts, certificate, stateDir } = answers;
  return [
    '# The configuration of turnd, written by `turnctl init`. conf/turnd.yaml of the package explains every setting.',
    '# Afterwards: `turnctl config check FILE` reports faults, `turnctl config print FILE` shows what is in effect.',
    '# Relative paths count from here.',
    '',
    '# The realm of the credentials. The keys of users are made with it: a change voids them.',
    `realm: ${flow(realm)}`,
    ...(stateDir === null ? [] : ['', '# Keys that turnd makes, and its own store.', `state-dir: ${flow(stateDir)}`]),
    '',
    '# Where clients are served, on every address of this host.',
    `listen: ${flow(listenUrls(answers))}`,
    '',
    'relay:',
    '  # The address that others reach the relays by; auto asks the interfaces and the cloud at each start.',
    `  external-address: ${flow(externalAddress)}`,
    '  # The firewall must let UDP in on these ports: `turnctl firewall` prints the rules.',
    `  ports: ${flow(relayPorts)}`,
    '',
    'auth:',
    ...credentialLines(answers),
    ...storeLines(answers.store),
    ...(certificate === null ? NO_TLS_LINES : ['', 'tls:', `  certificates: ${flow([certificate])}`]),
    '',
  ].join('\n');
}

const NO_TLS_LINES: readonly string[] = Object.freeze([
  '',
  '# For turns: URLs, get a certificate, add tcp+tls://*:5349 to listen, and name the files here:',
  '#tls:',
  '#  certificates: [{certificate: fullchain.pem, key: privkey.pem}]',
]);

function listenUrls({ port, tlsPort, certificate }: InitAnswers): string[] {
  if (certificate === null) return [`udp://*:${port}`, `tcp://*:${port}`];
  return [`udp://*:${port}`, `tcp+tls://*:${port}`, `tcp+tls://*:${tlsPort}`];
}

function credentialLines({ user }: InitAnswers): string[] {
  if (user === null) {
    return [
      '  # Shared with your app server, which makes time-limited credentials with it.',
      `  secrets: ${flow([{ 'value-file': 'secret' }])}`,
    ];
  }
  return ['  # One user for all clients.', `  users: ${flow([{ name: user.name, 'password-file': 'password' }])}`];
}

function storeLines(store: string): string[] {
  if (store === 'auto') return [];
  const value = hasPassword(store) ? { 'url-file': 'store-url' } : store;
  return ['', '# Where more users, secrets and realms are kept.', `store: ${flow(value)}`];
}

function flow(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trimEnd();
}
