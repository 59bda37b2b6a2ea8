// Owns every key of the configuration: its form, default and description. The example file, the JSON Schema,
// the environment names and the Config type all follow from this one schema.

import { z } from 'zod';
import { parseCidr, parseHostPort, parseIceUrl, parsePortRange } from './address-values.ts';
import { controlSettings } from './control-settings.ts';
import { drainSettings } from './drain-settings.ts';
import {
  count,
  externalAddress,
  filePath,
  memoryLimit,
  parsedText,
  parseRealm,
  relayAddress,
  secretEntry,
  shortText,
  storeUrl,
  userEntry,
} from './fields.ts';
import { findClash, formatListenUrl, parseListenUrl } from './listen-url.ts';
import { metricsSettings } from './metrics-settings.ts';
import { webhookSettings } from './webhook-settings.ts';

const MILLION = 1_000_000;
const GIBIBYTE = 1_073_741_824;

const listen = z
  .array(parsedText(parseListenUrl))
  .min(1, 'must not be empty')
  .superRefine((addresses, context) => {
    const clash = findClash(addresses);
    const address = addresses[clash];
    if (address === undefined) return;
    const message = `${formatListenUrl(address)} takes the port of an earlier entry (tcp+tls:// serves both on one port)`;
    context.addIssue({ code: 'custom', path: [clash], message });
  })
  .describe('Where clients are served: udp://, tcp://, tls:// or tcp+tls://, a host (* for all addresses), a port.')
  .prefault(['udp://*:3478', 'tcp+tls://*:3478', 'tcp+tls://*:5349']);

const proxyProtocol = z.strictObject({
  trusted: z
    .array(parsedText(parseCidr))
    .describe('Networks of the proxies that may connect to listeners with ?proxy-protocol; others are closed.')
    .prefault(['127.0.0.0/8', '::1/128']),
});

const relay = z.strictObject({
  address: relayAddress
    .describe('Addresses of this host that relay sockets are bound to: auto, one IP, or one per family.')
    .prefault('auto'),
  'external-address': externalAddress
    .describe('The address others reach the relays by, when it is not relay.address: auto, none, IP, name or pairs.')
    .prefault('auto'),
  ports: parsedText(parsePortRange)
    .describe('Ports of relayed addresses; the firewall must let UDP in on them.')
    .prefault('49152-65535'),
  'stun-servers': z
    .array(parsedText(parseHostPort))
    .describe('STUN servers (host:port) that external-address: auto may ask.')
    .prefault([]),
  coalescing: count(
    175,
    0,
    1000,
    'Microseconds that a busy worker of the linux plane waits for more packets between rounds; 0 for never.',
  ),
});

const auth = z.strictObject({
  secrets: z
    .array(secretEntry)
    .describe('Shared secrets of time-limited (REST) credentials; each one is accepted. {value: …} or {value-file: …}.')
    .prefault([]),
  users: z
    .array(userEntry)
    .describe('Static users: {name: …} with password, password-file or key (hexadecimal MD5 of name:realm:password).')
    .prefault([]),
  'user-file': filePath.describe('A file with one name:password or name:0x<key> in each line.').optional(),
  anonymous: z.boolean().describe('Serve everyone without credentials. For labs only.').default(false),
  'password-algorithms': z
    .union([z.boolean(), z.literal('force')], { error: 'expected true, false or force' })
    .describe('Offer the password algorithms of RFC 8489; force does so though users with MD5 keys only will fail.')
    .default(false),
  'username-anonymity': z.boolean().describe('Accept USERHASH in place of USERNAME (RFC 8489).').default(false),
  'nonce-lifetime': count(600, 1, 3500, 'Seconds that a nonce is accepted: less than an hour (RFC 8656 §5).'),
  'rest-separator': z
    .string()
    .regex(/^[^0-9\p{Cc}]$/u, 'must be one character that is not a digit')
    .describe('The character between timestamp and user in REST user names.')
    .default(':'),
  expiry: z
    .enum(['lenient', 'strict'])
    .describe('Of allocations whose REST name has expired: lenient lets them go on, strict ends them.')
    .default('lenient'),
  'ice-urls': z
    .array(parsedText(parseIceUrl))
    .describe(
      'stun:, turn: and turns: URLs that apps are given with credentials; with none, they are made of listen and the external address.',
    )
    .prefault([]),
  'require-for-binding': z.boolean().describe('Demand credentials for Binding requests too.').default(false),
});

const tls = z.strictObject({
  certificates: z
    .array(
      z.strictObject({
        certificate: filePath.describe('PEM file: the certificate, then its chain.'),
        key: filePath.describe('PEM file: the private key.'),
        passphrase: z.string().describe('Of the private key.').optional(),
      }),
    )
    .describe(
      'Certificates for TLS, chosen by SNI (for different names: of one key type); with none, a self-made one serves labs.',
    )
    .default([]),
  'min-version': z
    .union(
      [
        z.enum(['1.2', '1.3']),
        z.literal(1.2).transform(() => '1.2' as const),
        z.literal(1.3).transform(() => '1.3' as const),
      ],
      {
        error: 'expected 1.2 or 1.3',
      },
    )
    .describe('The lowest TLS version that is accepted.')
    .prefault('1.2'),
});

// Of what is relayed: beyond the rate it is dropped. Half a second of it may come at once.
const bitRate = (description: string) => count(0, 0, 1_000_000_000_000, description);
const packetRate = (description: string) => count(0, 0, 1_000_000_000, description);

const limits = z
  .strictObject({
    allocations: count(0, 0, MILLION, 'Allocations in all; 0 for no limit.'),
    'allocations-per-user': count(0, 0, MILLION, 'Allocations of one static user; 0 for no limit.'),
    'allocations-per-rest-user': count(100, 0, MILLION, 'Allocations of one user id of REST names; 0 for no limit.'),
    'allocations-per-client-address': count(
      1000,
      0,
      MILLION,
      'Allocations of one client IP (IPv6: /64); 0 for no limit.',
    ),
    'permissions-per-allocation': count(1024, 1, 65_536, 'Permissions of one allocation.'),
    'channels-per-allocation': count(1024, 1, 16_384, 'Channels of one allocation.'),
    bandwidth: bitRate('Bits a second of data from all clients together, and as many to them; 0 for no limit.'),
    'bandwidth-per-user': bitRate(
      'Bits a second of data from one user (REST: one user id), and as many to it; 0 for no limit.',
    ),
    'bandwidth-per-allocation': bitRate(
      'Bits a second of data from the client of one allocation, and as many to it; 0 for no limit.',
    ),
    'packets-per-second': packetRate(
      'Packets a second from all clients together, and as many to them; 0 for no limit.',
    ),
    'packets-per-second-per-user': packetRate(
      'Packets a second from one user (REST: one user id), and as many to it; 0 for no limit.',
    ),
    'packets-per-second-per-allocation': packetRate(
      'Packets a second from the client of one allocation, and as many to it; 0 for no limit.',
    ),
    'new-peers-per-second': count(
      5,
      0,
      MILLION,
      'New peer addresses that one allocation may name, in the long run; 0 for no limit.',
    ),
    'new-peers-burst': count(30, 1, MILLION, 'New peer addresses that one allocation may name at once.'),
    'max-lifetime': count(3600, 1, 3600, 'Longest lifetime of an allocation that a client can ask for, in seconds.'),
    'default-lifetime': count(600, 1, 3600, 'Lifetime of an allocation whose client asks for none, in seconds.'),
    'max-session-age': count(
      0,
      0,
      31_536_000,
      'Age at which an allocation ends, whatever is refreshed, in seconds; 0 for none.',
    ),
    memory: memoryLimit
      .describe(
        'Memory of all processes, 512M say; near it nothing new is admitted. auto: the control group’s; 0: none.',
      )
      .prefault('auto'),
    connections: count(10_000, 1, MILLION, 'TCP and TLS connections in all.'),
    'connections-per-client-address': count(
      1000,
      0,
      MILLION,
      'TCP and TLS connections of one client IP; 0 for no limit.',
    ),
    'write-queue': count(
      131_072,
      4096,
      GIBIBYTE,
      'Bytes that may wait for one slow connection; beyond, media is dropped.',
    ),
    'idle-timeout': count(60, 1, 86_400, 'Seconds before a connection without an allocation is closed.'),
    'handshake-timeout': count(10, 1, 600, 'Seconds in which a TLS handshake must end.'),
    'unauthenticated-replies-per-second': count(
      10,
      0,
      MILLION,
      'Replies 401 and 438 to one source IP over UDP; 0 for no limit.',
    ),
    'binding-replies-per-second': count(100, 0, MILLION, 'Binding replies to one source IP over UDP; 0 for no limit.'),
    'failed-logins-per-second': count(
      10,
      0,
      MILLION,
      'Failed logins of one source IP in the name of one user; what is beyond gets no answer. 0 for no limit.',
    ),
  })
  .refine((value) => value['default-lifetime'] <= value['max-lifetime'], {
    path: ['default-lifetime'],
    message: 'must not be longer than limits.max-lifetime',
  });

const realmPeers = z.strictObject({
  realm: parsedText(parseRealm).describe('The realm, as its users name it.'),
  allow: z.array(parsedText(parseCidr)).describe('As peers.allow.').prefault([]),
  deny: z.array(parsedText(parseCidr)).describe('As peers.deny.').prefault([]),
});

const peers = z.strictObject({
  allow: z
    .array(parsedText(parseCidr))
    .describe(
      'Networks of the built-in list to open; deny comes first, and loopback, link-local and multicast stay closed.',
    )
    .prefault([]),
  deny: z.array(parsedText(parseCidr)).describe('Networks that no client may reach.').prefault([]),
  realms: z
    .array(realmPeers)
    .superRefine((entries, context) => {
      const names = entries.map(({ realm }) => realm);
      const again = names.findIndex((name, index) => names.indexOf(name) < index);
      if (again < 0) return;
      context.addIssue({ code: 'custom', path: [again, 'realm'], message: 'has an entry already' });
    })
    .describe('The same for clients of single realms, beside what holds for all and what the store says.')
    .prefault([]),
  'unsafe-allow-loopback': z
    .boolean()
    .describe('Let clients reach services of this very host. For labs only.')
    .default(false),
});

const protocol = z.strictObject({
  software: shortText.describe('Text of the SOFTWARE attribute; empty leaves the attribute out.').default(''),
  'rfc5766-channel-numbers': z
    .boolean()
    .describe('Accept channel numbers up to 0x7FFF as RFC 5766 did; RFC 8656 ends at 0x4FFF.')
    .default(false),
});

const log = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .describe('The lowest level that is logged.')
    .default('info'),
  format: z.enum(['auto', 'json', 'pretty']).describe('auto is pretty on a terminal, else json.').default('auto'),
  file: filePath.describe('Log to this file, reopened on SIGHUP, instead of standard output.').optional(),
  peers: z
    .boolean()
    .describe('Tell in the last line of an allocation which peers it was permitted to reach (32 and a count).')
    .default(false),
  'hide-addresses': z
    .boolean()
    .describe('Put a keyed hash, ip-…, for each address of clients and peers. fail2ban has nothing to ban then.')
    .default(false),
});

/** The port table has a byte for the owner of a port, and some of its values are taken. */
const MAX_WORKERS = 250;

const settings = z.strictObject({
  realm: shortText
    .min(1, 'must not be empty')
    .refine((text) => !/["\\]/.test(text), 'must not contain " or \\ (RFC 8489 §14.9)')
    .describe('The realm of long-term credentials. Keys are made with it: a change voids every stored key.')
    .default('turnd'),
  'state-dir': filePath
    .describe('Directory of the keys that turnd makes; else $STATE_DIRECTORY, else ./.turnd.')
    .optional(),
  listen,
  'proxy-protocol': proxyProtocol.describe('Which proxies are believed when they name a client.').prefault({}),
  relay: relay.describe('The addresses that peers see.').prefault({}),
  auth: auth.describe('Who may use the server.').prefault({}),
  store: storeUrl
    .describe('Where users, secrets and realms are kept: auto (turnd.db in state-dir), none, a URL or {url-file: …}.')
    .default('auto'),
  statsdb: storeUrl
    .describe('A Redis that is told of every allocation, as coturn does: none, redis://… or {url-file: …}.')
    .default('none'),
  control: controlSettings.describe('How turnctl, and programs, reach this server.').prefault({}),
  metrics: metricsSettings.describe('Metrics for Prometheus, and health.').prefault({}),
  webhooks: webhookSettings,
  tls: tls.describe('TLS for turns: URLs.').prefault({}),
  limits: limits.describe('What one client, and all together, may use.').prefault({}),
  peers: peers.describe('Whom clients may reach, on top of the built-in deny list.').prefault({}),
  protocol: protocol.describe('Details of the protocol.').prefault({}),
  plane: z
    .enum(['auto', 'portable', 'linux'])
    .describe('How datagrams are moved: by Linux system calls, or by Node; auto takes the former where they work.')
    .default('auto'),
  workers: z
    .union([z.literal('auto'), z.int().min(0).max(MAX_WORKERS)], {
      error: `expected auto or a number from 0 to ${MAX_WORKERS}`,
    })
    .describe(
      'Relay worker processes of the linux plane: auto is one per core; 0, and the portable plane: one process.',
    )
    .default('auto'),
  drain: drainSettings
    .describe('How turnd goes out of service: new allocations are refused, those that live go on.')
    .prefault({}),
  log: log.describe('What is logged, and where to.').prefault({}),
});

/** The schema of `turnd.yaml`. */
export const configSchema = settings.superRefine(({ plane, workers, listen, 'proxy-protocol': proxies }, context) => {
  if (proxies.trusted.length === 0 && listen.some(({ proxyProtocol }) => proxyProtocol === true)) {
    const message = 'must name the proxies in front of the listeners with ?proxy-protocol';
    context.addIssue({ code: 'custom', path: ['proxy-protocol', 'trusted'], message });
  }
  if (plane === 'linux' && workers === 0) {
    context.addIssue({ code: 'custom', path: ['workers'], message: 'must not be 0: the linux plane needs a worker' });
  }
  if (plane === 'portable' && workers !== 'auto' && workers > 0) {
    context.addIssue({ code: 'custom', path: ['workers'], message: 'must be 0: the portable plane has no workers' });
  }
});

/** The settings as the schema returns them, keys still as in the file. */
export type Settings = z.output<typeof configSchema>;
