// Time as events and webhooks need it, so that a test can own it. Declares, does nothing.

/** Milliseconds, and what is to be done later. */
export interface EventTimers {
  /** Of a monotonic clock. */
  now(): number;
  /** Acts once; returns how to call it off. */
  after(milliseconds: number, act: () => void): () => void;
  /** Acts again and again; returns how to end it. */
  every(milliseconds: number, act: () => void): () => void;
}
