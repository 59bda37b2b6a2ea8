// The one error that is the user's fault.

/** What the command line does wrong, in words for its user. */
export class UsageError extends Error {}
