// An app that was written for another service works with turnd when its base URL and its key are changed: small apps as
// the services document them, in processes of their own, against a running turnd whose API is on TCP.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { t as root, type Test, test } from 'tap';
import { type AppIceServer, relays, turnTargets } from '../../support/ice-relay.ts';
import { OpensslAuthority, opensslProgram } from '../../support/openssl-authority.ts';
import { labFlags, startTurndWith, temporaryDirectory } from '../../support/turnd-process.ts';
import { runUclient, uclientProgram } from '../coturn/uclient.ts';
import type { AppAnswer } from './apps/answer.ts';

root.setTimeout(170_000);

const run = promisify(execFile);
const programOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const TOKEN_NAME = 'shop';
const SECRET = 'north-wind-secret-0123456789';
const TRANSPORTS = ['udp', 'tcp', 'tls'];
/** As docs/credentials.md has it. */
const ACCOUNT_SID = `AC${createHash('sha256').update(TOKEN_NAME).digest('hex').slice(0, 32)}`;

interface Vendor {
  readonly app: string;
  /** Where its apps keep a key. */
  readonly keys: (token: string) => Readonly<Record<string, string>>;
  /** What a wrong key is answered. */
  readonly refusal: { readonly status: number; readonly error: object };
}

const VENDORS: readonly Vendor[] = [
  {
    app: 'cloudflare',
    keys: (token) => ({ TURN_KEY_ID: TOKEN_NAME, TURN_KEY_API_TOKEN: token }),
    refusal: { status: 401, error: { success: false, errors: [{ code: 10_000 }], messages: [], result: null } },
  },
  {
    app: 'twilio',
    keys: (token) => ({ TWILIO_ACCOUNT_SID: ACCOUNT_SID, TWILIO_AUTH_TOKEN: token }),
    refusal: { status: 401, error: { code: 20_003, message: 'Authenticate' } },
  },
  {
    app: 'xirsys',
    keys: (token) => ({ XIRSYS_IDENT: TOKEN_NAME, XIRSYS_SECRET: token }),
    refusal: { status: 401, error: { v: 'unauthorized', s: 'error' } },
  },
  {
    app: 'metered',
    keys: (token) => ({ METERED_SECRET_KEY: token }),
    refusal: { status: 401, error: { error: 'Invalid Secret Key' } },
  },
  {
    app: 'turn-rest',
    keys: (token) => ({ TURN_REST_KEY: token }),
    refusal: { status: 401, error: { status: 401, fault: 'unauthorized' } },
  },
];

interface Scene {
  readonly http: string;
  readonly https: string;
  readonly udpPort: number;
  /** Made by turnctl. */
  readonly token: string;
  run(vendor: Vendor, base: string, token: string): Promise<AppAnswer>;
}

async function open(t: Test): Promise<Scene> {
  const directory = temporaryDirectory(t);
  const authority = new OpensslAuthority();
  t.teardown(() => authority.close());
  const { certificateFile, keyFile } = authority.issue({ names: 'DNS:localhost,IP:127.0.0.1' });
  const config = `${directory}/turnd.yaml`;
  writeFileSync(
    config,
    `control: {listen: ['http://127.0.0.1:0', 'https://127.0.0.1:0']}
tls: {certificates: [{certificate: ${certificateFile}, key: ${keyFile}}]}
`,
  );
  const listen = ['--listen', 'tcp://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0'];
  // coturn's client draws channel numbers as RFC 5766 had them.
  const flags = ['--secret', SECRET, ...listen, '--rfc5766-channel-numbers', '--config', config];
  const server = await startTurndWith(t, labFlags(directory, ...flags));
  const at = (scheme: string): string =>
    String(server.log.find(({ listening }) => String(listening).startsWith(`${scheme}:`))?.['listening']);
  const env = { PATH: process.env['PATH'], TURND_CONTROL__SOCKET: `${directory}/state/turnd.sock` };
  const turnctl = programOf('../../../src/cli/turnctl.js');
  const made = ['token', 'add', TOKEN_NAME, '--scope', 'credentials', '--quiet'];
  const { stdout } = await run(process.execPath, [turnctl, ...made], { env });
  return {
    http: at('http'),
    https: at('https'),
    udpPort: await server.port('udp'),
    token: stdout.trim(),
    run: async ({ app, keys }, base, token) => {
      const env = { ...keys(token), TURN_API: base, NODE_EXTRA_CA_CERTS: authority.certificateFile };
      const { stdout } = await run(process.execPath, [programOf(`./apps/${app}.js`)], { env });
      return JSON.parse(stdout) as AppAnswer;
    },
  };
}

test('apps of five services, with another base URL and another key', { skip: opensslProgram.skip }, async (t) => {
  const scene = await open(t);
  t.match(scene.token, /^turnd_[\w-]{43}$/);

  for (const vendor of VENDORS) {
    await t.test(`${vendor.app}: what an app gets over TLS relays over each transport`, async (t) => {
      const targets = turnTargets(given(await scene.run(vendor, scene.https, scene.token)));
      t.same(
        targets.map(({ transport }) => transport),
        TRANSPORTS,
      );
      for (const target of targets) await relays(t, target);
    });
  }

  await t.test('over plain TCP, and coturn’s client relays with it', { skip: uclientProgram.skip }, async (t) => {
    const [vendor] = VENDORS as readonly [Vendor];
    const [target] = turnTargets(given(await scene.run(vendor, scene.http, scene.token)));
    const login = ['-u', target?.user ?? '', '-w', target?.password ?? ''];
    const ports = { udp: scene.udpPort, tcp: 0, tls: 0 };
    const { sent, received, code, output } = await runUclient({ ports }, 'udp', [...login, '-y', '-c']);
    t.strictSame([code, sent, received], [0, 40, 40], { output });
  });

  // Five wrong tokens are what one source may try, so each app has one.
  for (const vendor of VENDORS) {
    await t.test(`${vendor.app}: a wrong key is refused in its words`, async (t) => {
      t.match(await scene.run(vendor, scene.http, 'turnd_not-the-token'), vendor.refusal);
    });
  }
});

function given(answer: AppAnswer): readonly AppIceServer[] {
  if ('iceServers' in answer) return answer.iceServers;
  throw new Error(`the app was refused: ${JSON.stringify(answer)}`);
}
