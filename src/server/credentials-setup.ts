// Puts the credential sources of the configuration together, in the order in which they are asked.

import { prepareRealm, SourcedCredentials } from '../auth/credentials.ts';
import { RestSecrets } from '../auth/rest-secrets.ts';
import { type StaticUser, StaticUsers } from '../auth/static-users.ts';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../errors.ts';
import type { LabUser } from '../state/kept-secrets.ts';
import type { Clock } from '../turn/env.ts';

/** Who may use the server, and under which realm. */
export interface CredentialsSetup {
  readonly realm: string;
  readonly credentials: SourcedCredentials;
}

/**
 * @param labUser the user of a server without any configuration, or null
 * @throws ConfigError for a realm or user that no client could prove, or for options that contradict each other
 */
export function setUpCredentials(config: Config, labUser: LabUser | null, clock: Clock): CredentialsSetup {
  const realm = prepareRealm(config.realm);
  const { auth, limits } = config;
  const users: StaticUser[] = labUser === null ? [...auth.users] : [labUser];
  const credentials = new SourcedCredentials([
    new StaticUsers({ realm, allocationsPerUser: limits.allocationsPerUser }, users),
    new RestSecrets(
      { separator: auth.restSeparator, allocationsPerRestUser: limits.allocationsPerRestUser },
      auth.secrets,
      clock,
    ),
  ]);
  // The challenge comes before the user is known: a client that picked SHA-256 would fail for good.
  if (auth.passwordAlgorithms === true && !credentials.derivesSha256) {
    throw new ConfigError([
      'auth.password-algorithms: needs passwords; a user is given by an MD5 key only (force offers them all the same)',
    ]);
  }
  if (auth.usernameAnonymity && !credentials.resolvesUserhashes) {
    throw new ConfigError(['auth.username-anonymity: does not work with auth.secrets: their user names are not known']);
  }
  return { realm, credentials };
}
