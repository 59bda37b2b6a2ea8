// What must be there before anything listens, in every shape of the server: state directory, addresses, certificates,
// users.

import { join } from 'node:path';
import type { RevokedNames } from '../auth/revoked-names.ts';
import { type Config, NO_CREDENTIALS } from '../config/config.ts';
import { systemFileReader } from '../config/file-reader.ts';
import type { Tree } from '../config/overrides.ts';
import type { ConfigResult } from '../config/parse-config.ts';
import { warnIfReadable } from '../config/secret-files.ts';
import { ConfigError } from '../errors.ts';
import type { Logger } from '../log/logger.ts';
import type { BackendAddresses } from '../net/backend-addresses.ts';
import { keepLabUser, keepNonceKey, type LabUser, SECRET_FILES } from '../state/kept-secrets.ts';
import { StateDirectory } from '../state/state-directory.ts';
import { systemClock } from '../state/system-clock.ts';
import { SystemRandom } from '../state/system-random.ts';
import { openBackends } from './backend-setup.ts';
import type { Closers } from './closers.ts';
import { Directory } from './directory.ts';
import { openEvents, type ServerEvents } from './event-setup.ts';
import { type RelaySetup, setUpRelay, shownBy } from './relay-setup.ts';
import { loadRevokedNames } from './revocations.ts';
import { openStatusService, type StatusService } from './status-service.ts';
import { type ServerStore, setUpStore } from './store-setup.ts';
import { ServerTls } from './tls-setup.ts';

/** What a server is started with. */
export interface ServerOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly version: string;
  /** What was set in it, by whomever. */
  readonly tree: Tree;
  /** Reads the configuration again, from where it came. */
  readonly reload: () => ConfigResult;
  /** Writes a line of the log that another process of this server has made. */
  readonly forward: (line: string) => void;
}

/** What every shape of the server stands on. */
export interface Foundation extends ServerOptions {
  readonly random: SystemRandom;
  readonly state: StateDirectory;
  readonly labUser: LabUser | null;
  readonly relay: RelaySetup;
  /** The hosts that this server talks to, which are nobody's peers. */
  readonly backends: BackendAddresses;
  readonly tls: ServerTls;
  readonly directory: Directory;
  readonly revoked: RevokedNames;
  /** Null where there is none. */
  readonly store: ServerStore | null;
  /** Null where allocations are not published. */
  readonly status: StatusService | null;
  readonly events: ServerEvents;
  readonly nonceKey: Buffer;
}

/** @throws TurnServerError with a sentence that says what failed and what to do */
export async function layFoundation(options: ServerOptions, closers: Closers): Promise<Foundation> {
  const { config, logger } = options;
  const random = new SystemRandom();
  const state = await StateDirectory.open(config.stateDir);
  closers.add(() => state.close());
  warnOfOpenFiles(state, logger);
  const store = await setUpStore(config, logger, closers);
  // Of a store that was asked for nothing is assumed: it may be filled later, and may not answer now.
  const isStoreIdle = config.store?.isDefault === true && !(await store?.hasCredentials());
  const labUser = makeLabUser(config, isStoreIdle || store === null, () => keepLabUser(state, random));
  const relay = await setUpRelay(config, logger);
  closers.add(() => relay.external.close());
  const backends = await openBackends(config, logger, closers);
  const names = (): readonly string[] => [...shownBy(relay), 'localhost', '127.0.0.1'];
  const tls = await ServerTls.open({ config, state, clock: systemClock, logger, names });
  const storeUsers = store?.users ?? null;
  const revoked = loadRevokedNames(state, systemClock.wallTime);
  const directory = new Directory({ config, labUser, storeUsers, isStoreIdle, revoked, clock: systemClock, logger });
  store?.tell(directory);
  const status = await openStatusService(config, { logger, state, random, closers });
  const events = openEvents(config, logger, closers);
  const nonceKey = keepNonceKey(state, random);
  return {
    ...options,
    random,
    state,
    store,
    status,
    events,
    labUser,
    relay,
    backends,
    tls,
    directory,
    revoked,
    nonceKey,
  };
}

// turnd makes them for itself alone: somebody has changed them, or brought them from elsewhere.
function warnOfOpenFiles(state: StateDirectory, logger: Logger): void {
  for (const name of SECRET_FILES) {
    const warning = warnIfReadable(systemFileReader, join(state.path, name));
    if (warning !== null) logger.warn({ event: 'state' }, warning);
  }
}

// A file that names no credentials is a mistake (S12); no file at all is somebody who tries turnd out.
function makeLabUser(config: Config, isNobodyStored: boolean, make: () => LabUser): LabUser | null {
  if (config.hasCredentials || config.auth.anonymous || !isNobodyStored) return null;
  if (config.configFile !== null) throw new ConfigError([`${config.configFile}: ${NO_CREDENTIALS}`]);
  return make();
}
