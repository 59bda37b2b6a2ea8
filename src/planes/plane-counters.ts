// What a plane counts: plain number fields, read when somebody asks. Knows no socket and no metric names.

/** Traffic of one side of the server: towards clients, or towards peers. */
export class TrafficCounters {
  packetsIn = 0;
  bytesIn = 0;
  /** Handed to the kernel, or waiting for it: {@link sendErrors} tells what it refused. */
  packetsOut = 0;
  bytesOut = 0;
  /** Not sent, and not among {@link packetsOut}: the socket's queue was full, because the kernel takes no more for now. */
  droppedQueueFull = 0;
  /** Not sent: larger than any UDP datagram. */
  droppedTooBig = 0;
  /** Not taken, or not sent: the other side's port is 0, nobody owns the socket, or it is closed. */
  droppedUnusable = 0;
  /** Datagrams that the kernel dropped because this side was read too slowly; only the Linux plane can tell. */
  kernelDrops = 0;
  /** Failed sends by errno name (EPERM, ENETUNREACH, …). Healthy sockets are sampled, failing ones counted in full. */
  readonly sendErrors = new Map<string, number>();
  /** Errors that sockets reported while receiving, by errno name. */
  readonly receiveErrors = new Map<string, number>();
}

/** Everything that one plane counts. */
export class PlaneCounters {
  readonly clients = new TrafficCounters();
  readonly peers = new TrafficCounters();
  /** Relay sockets that could not be bound, by errno name. EADDRINUSE: another program holds a port of the range. */
  readonly bindErrors = new Map<string, number>();
  /** Requests for a relay socket that found no free port, or no bindable one within the tries. */
  portsExhausted = 0;
  /** Runs of datagrams that the kernel did not take as one, so that they were sent one by one. */
  runsRefused = 0;
  /** ICMP errors that came back for datagrams to peers. */
  icmpErrors = 0;
}

/** Counts datagrams that a system call refused: a full buffer apart from everything else, for then nothing was handed over. */
export function countErrno(counters: TrafficCounters, name: string, datagrams: number): void {
  if (name !== 'EAGAIN') {
    countErrorsOf(counters, name, datagrams);
    return;
  }
  counters.droppedQueueFull += datagrams;
  counters.packetsOut -= datagrams;
}

function countErrorsOf(counters: TrafficCounters, name: string, datagrams: number): void {
  counters.sendErrors.set(name, (counters.sendErrors.get(name) ?? 0) + datagrams);
}

/** Counts one error under its errno name; there are only so many of those, so the map stays small. */
export function countError(errors: Map<string, number>, error: unknown): void {
  countCode(errors, errorCode(error));
}

/** As {@link countError}, for an errno name. */
export function countCode(errors: Map<string, number>, code: string): void {
  errors.set(code, (errors.get(code) ?? 0) + 1);
}

/** The errno name (or Node's `ERR_…`) of an error; `unknown` when it has none. */
export function errorCode(error: unknown): string {
  const hasCode = error instanceof Error && 'code' in error && typeof error.code === 'string';
  return hasCode ? (error.code as string) : 'unknown';
}
