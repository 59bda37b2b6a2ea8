// Owns the questions of `turnctl init`: each has a flag, and a default that `--yes` takes.

import { join, resolve } from 'node:path';
import { tryRead } from '../../config/file-reader.ts';
import { detectFirewall, FIREWALL_TOOLS } from '../firewall/tools.ts';
import type { CommandIo } from '../terminal-io.ts';
import type { InitHost, PublicAddress } from './init-host.ts';
import { bySchema, type Judge, judgeDomain, judgePort, judgeStore } from './judge.ts';

/** The flags as commander leaves them; undefined is a question to ask. */
export interface InitFlags {
  readonly dir: string;
  readonly yes?: true;
  readonly force?: true;
  readonly json?: true;
  readonly domain?: string;
  readonly realm?: string;
  readonly externalAddress?: string;
  readonly port?: string;
  readonly tlsPort?: string;
  readonly relayPorts?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly auth?: string;
  readonly user?: string;
  readonly store?: string;
  readonly firewall?: string;
  readonly stateDir?: string;
}

/** Everything that the files are made of. */
export interface InitAnswers {
  /** Empty: there is none. */
  readonly domain: string;
  readonly realm: string;
  readonly externalAddress: string;
  /** What this host seems to be reachable by, or null. */
  readonly publicAddress: PublicAddress | null;
  readonly port: number;
  readonly tlsPort: number;
  readonly relayPorts: string;
  readonly certificate: { readonly certificate: string; readonly key: string } | null;
  /** A static user; null = time-limited credentials under a secret. */
  readonly user: { readonly name: string; readonly password: string } | null;
  readonly store: string;
  /** A name of {@link FIREWALL_TOOLS}, or `none`. */
  readonly firewall: string;
  /** Null: not written. */
  readonly stateDir: string | null;
}

/** An answer will not do; the message names the flag. */
export class BadAnswer extends Error {}

/** One question. */
interface Question {
  readonly flag: string;
  readonly given: string | undefined;
  readonly text: string;
  readonly fallback: string;
  readonly judge?: Judge;
}

const LETS_ENCRYPT = '/etc/letsencrypt/live';
const NO_TLS = { certificate: '', key: '' };

/** Asks what the flags leave open; with `--yes` nobody is asked. @throws BadAnswer, QuestionCancelled */
export async function collectAnswers(flags: InitFlags, io: CommandIo, host: InitHost): Promise<InitAnswers> {
  const asker = new Asker(flags, io);
  const fullName = host.hostName.includes('.') && judgeDomain(host.hostName) === null ? host.hostName : '';
  const domain = await asker.text({
    flag: '--domain',
    given: flags.domain,
    text: 'Domain name of this server (none: clients use its address)',
    fallback: fullName,
    judge: judgeDomain,
  });
  const realm = await asker.text({
    flag: '--realm',
    given: flags.realm,
    text: 'Realm of the credentials (a change voids all users)',
    fallback: domain || 'turnd',
    judge: bySchema((answer) => ({ realm: answer })),
  });
  const publicAddress = await host.findPublicAddress();
  const externalAddress = await askExternal(asker, flags, publicAddress);
  const port = Number(await asker.port('--port', flags.port, 'Port for UDP and TCP', '3478'));
  const relayPorts = await asker.text({
    flag: '--relay-ports',
    given: flags.relayPorts,
    text: 'Ports of the relays, for UDP',
    fallback: '49152-65535',
    judge: bySchema((answer) => ({ relay: { ports: answer } })),
  });
  const certificate = await askCertificate(asker, flags, domain, io);
  const tlsPort =
    certificate === null ? 5349 : Number(await asker.port('--tls-port', flags.tlsPort, 'Port for TLS', '5349'));
  if (certificate !== null && tlsPort === port) throw new BadAnswer(`--tls-port: ${port} is the port for UDP and TCP`);
  const user = await askUser(asker, flags, host);
  const store = await askStore(asker, flags);
  const firewall = await askFirewall(asker, flags, io);
  const stateDir = flags.stateDir ?? null;
  return {
    ...{ domain, realm, externalAddress, publicAddress, port, tlsPort },
    ...{ relayPorts, certificate, user, store, firewall, stateDir },
  };
}

/** Takes a flag, else the default, else the answer of a person. */
class Asker {
  readonly isSilent: boolean;
  readonly io: CommandIo;

  constructor(flags: InitFlags, io: CommandIo) {
    this.isSilent = flags.yes === true;
    this.io = io;
  }

  async text({ flag, given, text, fallback, judge = () => null }: Question): Promise<string> {
    if (given === undefined && !this.isSilent) return (await this.io.ask(text, fallback, judge)).trim();
    const answer = given ?? fallback;
    const fault = judge(answer);
    if (fault !== null) throw new BadAnswer(`${flag}: ${fault}`);
    return answer;
  }

  port(flag: string, given: string | undefined, text: string, fallback: string): Promise<string> {
    return this.text({ flag, given, text, fallback, judge: judgePort });
  }
}

function askExternal(asker: Asker, flags: InitFlags, found: PublicAddress | null): Promise<string> {
  const hint = found === null ? 'auto finds none here' : `auto finds ${found.ip}, told by ${found.source}`;
  return asker.text({
    flag: '--external-address',
    given: flags.externalAddress,
    text: `Public address of this server: auto (${hint}), none, an IP address or a DNS name`,
    fallback: 'auto',
    judge: bySchema((answer) => ({ relay: { 'external-address': answer } })),
  });
}

async function askCertificate(asker: Asker, flags: InitFlags, domain: string, io: CommandIo) {
  const known = findCertificate(domain, io) ?? NO_TLS;
  const readable: Judge = (path) => {
    const content = path === '' ? { text: '' } : tryRead(io.reader, resolve(io.cwd, path));
    return 'error' in content ? content.error : null;
  };
  const certificate = await asker.text({
    flag: '--tls-cert',
    given: flags.tlsCert,
    text: 'Certificate for TLS, a PEM file with its chain (none: no TLS)',
    fallback: flags.tlsKey === undefined ? known.certificate : '',
    judge: readable,
  });
  if (certificate === '') {
    if (flags.tlsKey !== undefined) throw new BadAnswer('--tls-cert, --tls-key: one needs the other');
    return null;
  }
  const key = await asker.text({
    flag: '--tls-key',
    given: flags.tlsKey,
    text: 'Its private key, a PEM file',
    fallback: certificate === known.certificate ? known.key : '',
    judge: (path) => (path === '' ? 'a certificate needs its private key' : readable(path)),
  });
  return { certificate, key };
}

/** Where certbot keeps the certificate of a domain. */
function findCertificate(domain: string, { reader }: CommandIo): { certificate: string; key: string } | null {
  if (domain === '') return null;
  const [certificate, key] = [join(LETS_ENCRYPT, domain, 'fullchain.pem'), join(LETS_ENCRYPT, domain, 'privkey.pem')];
  return 'text' in tryRead(reader, certificate) && 'text' in tryRead(reader, key) ? { certificate, key } : null;
}

async function askUser(asker: Asker, flags: InitFlags, host: InitHost): Promise<InitAnswers['user']> {
  const wanted = flags.auth ?? (flags.user === undefined ? undefined : 'user');
  const kind = wanted ?? (asker.isSilent ? 'secret' : await askKind(asker.io));
  if (kind === 'secret' && flags.user !== undefined) throw new BadAnswer('--user: --auth secret has no user');
  if (kind === 'secret') return null;
  const judge = bySchema((answer) => ({ auth: { users: [{ name: answer, password: 'x' }] } }));
  const name = await asker.text({
    flag: '--user',
    given: flags.user,
    text: 'Name of the user',
    fallback: 'turn',
    judge,
  });
  const password = asker.isSilent ? '' : await asker.io.askSecret(`Password of ${name} (none: a random one)`);
  return { name, password: password || host.randomText(12) };
}

function askKind(io: CommandIo): Promise<string> {
  const choices = [
    { value: 'secret', label: 'time-limited credentials', hint: 'your app server makes them with a shared secret' },
    { value: 'user', label: 'one user with a password', hint: 'the same for everyone' },
  ] as const;
  return io.choose('Credentials of the clients', choices, 'secret');
}

function askStore(asker: Asker, flags: InitFlags): Promise<string> {
  return asker.text({
    flag: '--store',
    given: flags.store,
    text: 'Where more users are kept: auto (a file), none, or a URL (sqlite:, postgres:, mysql:, redis:)',
    fallback: 'auto',
    judge: judgeStore,
  });
}

async function askFirewall(asker: Asker, flags: InitFlags, io: CommandIo): Promise<string> {
  if (flags.firewall !== undefined) return flags.firewall;
  if (asker.isSilent) return 'none';
  const found = detectFirewall(io.reader, io.env['PATH'])?.name ?? 'none';
  const tools = FIREWALL_TOOLS.map(({ name, description }) => ({ value: name, label: description }));
  return io.choose('Write the rules of a firewall', [...tools, { value: 'none', label: 'no' }], found);
}
