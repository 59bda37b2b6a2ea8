// What a quota gives for an allocation. A declaration of its own, for it is kept beyond the request.

/** A unit of a quota. */
export interface Grant {
  /**
   * Which buckets of `RateMemory.users` all allocations of the user count in; null for who is not counted as a user.
   * It is the user's as long as he holds a unit.
   */
  readonly userSlot: number | null;
}

/** A unit that counts for no user. */
export const NO_USER: Grant = Object.freeze({ userSlot: null });
