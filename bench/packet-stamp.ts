// What every kind of generator writes at the beginning of a payload, as far as others must know it.

/** The shortest payload that has room for a stamp: when it was sent, and in which step. */
export const MIN_PAYLOAD = 16;
