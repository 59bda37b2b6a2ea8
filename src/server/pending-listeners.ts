// Listening sockets that are open and not yet in use: either all of a change happens, or nothing of it. Declares, does nothing
// else than putting two changes together.

/** A change of the listening sockets, of which the part that can fail is done. One of the two is called, once. */
export interface PendingListeners {
  /** Closes those that are not wanted any more. */
  commit(): void;
  /** Closes those that have been opened. */
  cancel(): void;
}

/** Prepares one change after the other; where one fails, what was prepared before is cancelled. */
export async function prepareAll(changes: readonly (() => Promise<PendingListeners>)[]): Promise<PendingListeners> {
  const pending: PendingListeners[] = [];
  const cancel = (): void => pending.forEach((one) => void one.cancel());
  try {
    for (const prepare of changes) pending.push(await prepare());
  } catch (error) {
    cancel();
    throw error;
  }
  return { cancel, commit: () => pending.forEach((one) => void one.commit()) };
}
