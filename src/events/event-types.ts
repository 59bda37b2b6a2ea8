// The names of what is told of a server as it happens. Knows nothing else of events.

/** What is told of, in the order of a session's life; logins that failed and peers that were refused at last. */
export const EVENT_TYPES = Object.freeze([
  'allocated',
  'refreshed',
  'permission',
  'channel',
  'traffic',
  'released',
  'auth-failed',
  'denied',
] as const);

/** One of {@link EVENT_TYPES}. */
export type EventType = (typeof EVENT_TYPES)[number];
