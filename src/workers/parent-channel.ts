// The way from a worker to main. Declares, does nothing.

import type { FromWorker } from './messages.ts';

/** Node's IPC, or what stands for it. */
export interface ParentChannel {
  /** Never throws. `sent` is called once the message has left, or cannot: such a message does not wait for others. */
  send(message: FromWorker, sent?: () => void): void;
}
