// A socket as the send queue sees it.

/** Sends datagrams: a listening socket towards clients, or a relay socket towards peers. */
export interface Outlet {
  readonly fd: number;
  /** The queue's own: its entries for this socket; -1 when there are none. */
  firstDue: number;
  lastDue: number;
  /** Whether runs of datagrams may be handed over as one now. */
  readonly mayMerge: boolean;
  /** Sets or clears DF for what is sent from now on. */
  setDontFragment(isSet: boolean): void;
  /** The kernel did not take datagrams. */
  refused(errno: number, datagrams: number): void;
  /** It did not take a run as a run. `isRoute`: no run on this route is taken for now. */
  runRefused(isRoute: boolean): void;
  /**
   * Whether a failed call may tell of an earlier datagram (ICMP), and has taken that error off the socket. What it says
   * is read elsewhere: in the middle of a flush nothing may be queued.
   */
  readonly hasErrorsOfOthers: boolean;
}

/** Milliseconds for which no runs are handed to a socket whose route took none: the device may get help again. */
export const ROUTE_PAUSE = 60_000;
