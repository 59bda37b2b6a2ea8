// What a server says of its health, as whoever asks over HTTP is told. Declares, does nothing.

/** One thing that has to be so for a server to be ready. */
export interface HealthCheck {
  readonly name: string;
  /** False keeps the server from being ready. */
  readonly ok: boolean;
  /** What is wrong, or only noteworthy, in one sentence; null = nothing. No secret, address or name of a client. */
  readonly detail: string | null;
}

/** Whether new clients should be sent here, and why not. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly HealthCheck[];
}

/** The health of a running server. */
export interface ServerHealth {
  /** Answers within milliseconds, whatever the server does: asks no other process. Never rejects. */
  readiness(): Promise<Readiness>;
}
