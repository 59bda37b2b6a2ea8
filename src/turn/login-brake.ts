// What the engine needs of a brake on trying out passwords: a part of env.ts. Knows nothing of how it counts.

import type { TransportWords } from '../stun/transport-address.ts';

/** What {@link LoginBrake.judge} says. */
export const LoginVerdict = {
  VERIFY: 0,
  REFUSE: 1,
  /** The first refusal of this source and user within a minute: worth a line in the log. */
  REFUSE_AND_SAY: 2,
} as const;
export type LoginVerdict = (typeof LoginVerdict)[keyof typeof LoginVerdict];

/**
 * Bounds failed logins per source and user (S20), without ever locking a user out elsewhere. The engine asks and tells
 * only of sources that have shown by a valid nonce that they are where they say: nobody is braked by a forged address.
 * `user` is the name, or whatever stands for it; the same for both ways of naming one user.
 */
export interface LoginBrake {
  /** Whether a request may be looked up and verified now. */
  judge(client: TransportWords, realm: string, user: string): LoginVerdict;
  /** A request was verified and is not authentic. */
  failed(client: TransportWords, realm: string, user: string): void;
  /** A request was verified and is authentic. */
  succeeded(client: TransportWords, realm: string, user: string): void;
}
