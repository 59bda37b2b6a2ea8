// Ends time-limited credentials before their time: the name is refused from now on, in every process and after a restart,
// and its allocations end. Owns the file in which the names are kept.

import { readRestUsername } from '../auth/rest-username.ts';
import { type RevokedName, RevokedNames } from '../auth/revoked-names.ts';
import { isUsableUsername } from '../auth/username.ts';
import { AdminError } from '../control/administration.ts';
import { TurnServerError } from '../errors.ts';
import { damagedFile, type StateDirectory } from '../state/state-directory.ts';
import type { SessionSelector } from '../workers/sessions.ts';

/** What revoking needs of a server. */
export interface RevocationParts {
  readonly names: RevokedNames;
  readonly state: Pick<StateDirectory, 'replace'>;
  /** Tells whoever serves clients that what they know of users is void. */
  readonly touch: () => void;
  /** Ends allocations. Never rejects. @returns how many */
  readonly end: (selector: SessionSelector) => Promise<number>;
  /** Calls once, after so many milliseconds. @returns what calls it off */
  readonly after: (delay: number, act: () => void) => () => void;
}

const FILE = 'revoked-names';
/** An Allocate that was authenticated before has its allocation by then. */
const SECOND_LOOK_MS = 400;
const FULL =
  'too many usernames are revoked at once: rotate the shared secret instead (turnctl secret rotate), which ends all credentials';

/** Reads what was revoked before. @throws StateDirectoryError for a file that is damaged or cannot be read */
export function loadRevokedNames(state: StateDirectory, wallTime: () => number): RevokedNames {
  const names = new RevokedNames(wallTime);
  const lines = state.read(FILE)?.toString('utf8').split('\n') ?? [];
  for (const line of lines.filter((text) => text !== '')) {
    const name = readLine(line);
    if (name === null) throw damagedFile(state, FILE);
    names.add(name);
  }
  return names;
}

/** Revokes. */
export class Revocations {
  readonly #parts: RevocationParts;
  /** What calls them off. */
  readonly #secondLooks = new Set<() => void>();
  /** The write that will have whatever is in the list now. */
  #nextWrite: Promise<void> | null = null;
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(parts: RevocationParts) {
    this.#parts = parts;
  }

  isRevoked(username: string): boolean {
    return this.#parts.names.has(username);
  }

  /**
   * Refuses a name from now on and ends its allocations.
   * @param separator what stands between timestamp and user id
   * @returns how many allocations ended at once
   * @throws AdminError invalid for a name that is not time-limited, unavailable when the list is full or cannot be kept
   */
  async revoke(username: string, separator: string): Promise<number> {
    const { names, touch, end } = this.#parts;
    const name = isUsableUsername(username) ? readRestUsername(username, separator) : null;
    if (name === null)
      throw new AdminError('invalid', 'this is no time-limited username: remove users with "turnctl user remove"');
    if (!names.add({ username, expiry: name.expiry })) throw new AdminError('unavailable', FULL);
    touch();
    this.#lookAgain(username);
    const [ended] = await Promise.all([end({ user: username, realm: null }), this.#keep()]);
    return ended;
  }

  close(): void {
    for (const stop of this.#secondLooks) stop();
    this.#secondLooks.clear();
  }

  #lookAgain(username: string): void {
    const stop = this.#parts.after(SECOND_LOOK_MS, () => {
      this.#secondLooks.delete(stop);
      void this.#parts.end({ user: username, realm: null });
    });
    this.#secondLooks.add(stop);
  }

  // However many are revoked while a write is under way, there is one more.
  #keep(): Promise<void> {
    this.#nextWrite ??= this.#lastWrite
      .catch(() => undefined)
      .then(() => {
        this.#nextWrite = null;
        return this.#write();
      });
    this.#lastWrite = this.#nextWrite;
    return this.#nextWrite;
  }

  async #write(): Promise<void> {
    const lines = this.#parts.names.list().map(({ username, expiry }) => `${expiry} ${JSON.stringify(username)}\n`);
    try {
      await this.#parts.state.replace(FILE, Buffer.from(lines.join('')));
    } catch (error) {
      if (!(error instanceof TurnServerError)) throw error;
      const sentence = `the username is refused until turnd restarts, and no longer: ${error.message}`;
      throw new AdminError('unavailable', sentence, { cause: error });
    }
  }
}

// A name may have any character: JSON keeps it in its line.
function readLine(line: string): RevokedName | null {
  const [, expiry = '', json = ''] = /^(\d{1,12}) (".*")$/su.exec(line) ?? [];
  try {
    return { username: String(JSON.parse(json)), expiry: Number(expiry) };
  } catch {
    return null;
  }
}
