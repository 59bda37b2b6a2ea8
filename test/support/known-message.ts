// Known messages carry nonces that no server of ours has issued, so an engine answers 438 and looks no further. Here the
// authenticator is shown one as if its nonce were good.

import { parseIp } from '../../src/stun/ip-address.ts';
import { PasswordAlgorithm } from '../../src/stun/keys.ts';
import { MessageView, parseMessage } from '../../src/stun/message-view.ts';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { Authenticator, type Candidates } from '../../src/turn/authenticator.ts';
import { ClientEndpoint } from '../../src/turn/client-endpoint.ts';
import type { ClientLink, Env } from '../../src/turn/env.ts';
import { SessionBounds } from '../../src/turn/session-bounds.ts';
import type { EngineSettings } from '../../src/turn/settings.ts';
import { LIMITS, labCredentials, REALM } from './lab.ts';

/** As whom a known message is to be verified. */
export interface KnownClaim {
  readonly username: string;
  readonly users?: ReadonlyMap<string, string>;
  /** Whether it names the algorithm, which is SHA-256 then. */
  readonly negotiated?: boolean;
}

const UNBOUNDED = new SessionBounds({ now: () => 0, wallTime: () => 0 }, LIMITS);

/** Whether the message is authentic: its integrity under the user's key. */
export function isAuthentic(bytes: Buffer, { username, users, negotiated = false }: KnownClaim): boolean {
  const env = { random: { fill: () => {} }, nonceKey: Buffer.alloc(32), brake: null };
  const settings = { realm: REALM, nonceLifetime: 600, passwordAlgorithms: true, usernameAnonymity: true };
  const authenticator = new Authenticator(env as unknown as Env, settings as EngineSettings, UNBOUNDED);
  const view = new MessageView();
  parseMessage(bytes, 0, bytes.length, view);
  const algorithm = negotiated ? PasswordAlgorithm.SHA_256 : PasswordAlgorithm.MD5;
  const claim = { kind: 'claim', username, userhash: null, realm: REALM, algorithm, negotiated } as const;
  const candidates = labCredentials(users).find(username, REALM) as Candidates;
  return authenticator.verify(claim, candidates, view, anywhere()).kind === 'authenticated';
}

function anywhere(): ClientEndpoint {
  const ip = parseIp('203.0.113.1');
  if (ip === null) throw new Error('no address');
  return new ClientEndpoint({} as ClientLink, 'udp', new TransportAddress(ip, 3478));
}
