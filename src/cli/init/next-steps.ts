// Owns what `turnctl init` says in the end: what was written, and what to do now.

import { createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import type { Config } from '../../config/config.ts';
import { type IceServer, makeIceServer } from '../../config/ice-servers.ts';
import { FIREWALL_TOOLS } from '../firewall/tools.ts';
import type { InitAnswers } from './answers.ts';
import type { InitHost, NewFile } from './init-host.ts';

/** What was made. */
export interface InitResult {
  readonly answers: InitAnswers;
  readonly config: Config;
  readonly configFile: string;
  readonly files: readonly NewFile[];
  readonly credential: string;
  readonly credentialFile: string;
  /** Null: none was wanted. */
  readonly firewallFile: string | null;
}

/** Commands and data for the operator. */
export interface NextSteps {
  readonly files: readonly { readonly path: string; readonly mode: string }[];
  readonly firewall: string | null;
  readonly start: string;
  readonly iceServers: readonly IceServer[];
  readonly check: string;
}

const A_DAY = 86_400;
const UNKNOWN_HOST = 'ADDRESS-OF-THIS-SERVER';

/** Puts the steps together. */
export function nextSteps({ answers, config, configFile, files, ...made }: InitResult, host: InitHost): NextSteps {
  const { username, password } = clientCredential(answers, made.credential, host.now());
  const iceServer = makeIceServer({
    host: clientHost(answers),
    listeners: config.listen.map(({ transport, host: address, port }) => ({ transport, address, port })),
    trustedCertificate: answers.certificate !== null,
    username,
    credential: password,
  });
  return {
    files: files.map(({ path, mode }) => ({ path, mode: mode.toString(8).padStart(4, '0') })),
    firewall: made.firewallFile === null ? null : firewallCommand(answers.firewall, made.firewallFile),
    start: `turnd --config ${shellWord(configFile)}`,
    iceServers: [iceServer],
    check: `turnctl check ${iceServer.urls.map(shellWord).join(' ')} ${checkFlags(answers, made.credentialFile)}`,
  };
}

/** The steps as text. */
export function stepsText({ files, firewall, start, iceServers, check }: NextSteps, isLimited: boolean): string {
  const rules = firewall === null ? 'turnctl firewall   prints the rules; run it on the server' : firewall;
  return [
    'Written:',
    ...files.map(({ path, mode }) => `  ${path} (mode ${mode})`),
    '',
    'Next:',
    `  1. Open the firewall:  ${rules}`,
    `  2. Start the server:   ${start}`,
    `  3. Check it:           ${check}`,
    `  4. Give this to your app${isLimited ? ' (good for a day; turnctl credentials makes more)' : ''}:`,
    '',
    JSON.stringify({ iceServers }),
    '',
    'Whoever runs turnd must be able to read these files, and nobody else those with mode 0600.',
    '',
  ].join('\n');
}

/** A REST credential as apps make theirs: the time it ends, and the HMAC-SHA1 of that. */
function clientCredential({ user }: InitAnswers, credential: string, now: number) {
  if (user !== null) return { username: user.name, password: credential };
  const username = `${now + A_DAY}:init`;
  return { username, password: createHmac('sha1', credential).update(username).digest('base64') };
}

/** From the file: a password in the command line is in sight of others (S55). */
function checkFlags({ user }: InitAnswers, file: string): string {
  if (user === null) return `--secret-file ${shellWord(file)}`;
  return `--user ${shellWord(user.name)} --password-file ${shellWord(file)}`;
}

function clientHost({ domain, externalAddress, publicAddress }: InitAnswers): string {
  if (domain !== '') return domain;
  if (externalAddress !== 'auto' && externalAddress !== 'none') return externalAddress;
  return publicAddress?.ip ?? UNKNOWN_HOST;
}

function firewallCommand(name: string, file: string): string {
  const isLocal = FIREWALL_TOOLS.some((tool) => tool.name === name && tool.program !== null);
  if (name === 'nftables') return `nft -f ${shellWord(file)}`;
  return isLocal ? `sh ${shellWord(file)}` : `replace the words in CAPITALS in ${file}, then run it with sh`;
}

function shellWord(text: string): string {
  const isPlain = /^[\w@%+=:,./-]+$/.test(text) || isIP(text) !== 0;
  return isPlain ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
