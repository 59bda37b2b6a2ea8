// Warns of settings that make what a stranger is answered over UDP too long: whoever forges source addresses would use the
// server to multiply his traffic (SECURITY.md S41). Knows the lengths of STUN attributes, and nothing of the engine.

/** The shortest request: a bare header. */
const REQUEST = 20;
/** A 401: the header, ERROR-CODE without a reason (8), NONCE (28), and the header of REALM. */
const CHALLENGE = 20 + 8 + 28 + 4;
const PASSWORD_ALGORITHMS = 12;
/** What the bar for amplification allows with everything that RFC 8489 offers. */
const MOST = 5;

/** What a challenge is made of. */
export interface ChallengeSettings {
  readonly realm: string;
  readonly auth: { readonly passwordAlgorithms: boolean | 'force' };
  readonly protocol: { readonly software: string };
}

/** A warning where a challenge is more than five times as long as the shortest request. */
export function warnOfAmplification({ realm, auth, protocol }: ChallengeSettings): string[] {
  const software = protocol.software === '' ? 0 : 4 + padded(protocol.software);
  const algorithms = auth.passwordAlgorithms === false ? 0 : PASSWORD_ALGORITHMS;
  const length = CHALLENGE + padded(realm) + algorithms + software;
  if (length <= MOST * REQUEST) return [];
  const factor = (length / REQUEST).toFixed(1);
  const named = software > padded(realm) ? 'protocol.software' : 'realm';
  return [
    `${named}: makes a 401 ${length} bytes long, ${factor} times the shortest request: ` +
      'forged source addresses turn that against others; use a shorter one',
  ];
}

function padded(text: string): number {
  return Math.ceil(Buffer.byteLength(text, 'utf8') / 4) * 4;
}
