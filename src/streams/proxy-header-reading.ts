// What the first bytes of a stream are to a reader of PROXY headers.

import type { ConnectionAddresses } from './accepted-socket.ts';

/** How far a header has come. */
export const HeaderStatus = {
  /** So far it is one, and more must come. */
  MORE: 0,
  DONE: 1,
  /** It is none, whatever comes. */
  INVALID: 2,
} as const;
export type HeaderStatus = (typeof HeaderStatus)[keyof typeof HeaderStatus];

/** What the first bytes of a stream are. More bytes behind them change neither a header nor what is invalid. */
export type HeaderReading =
  | { readonly status: typeof HeaderStatus.MORE | typeof HeaderStatus.INVALID }
  | {
      readonly status: typeof HeaderStatus.DONE;
      /** Bytes of the header. */
      readonly length: number;
      /** The client's, as the proxy knows them; null: the connection is the proxy's own, or it does not say. */
      readonly addresses: ConnectionAddresses | null;
    };

export const MORE: HeaderReading = Object.freeze({ status: HeaderStatus.MORE });
export const INVALID: HeaderReading = Object.freeze({ status: HeaderStatus.INVALID });
