// Shorthands for tests of the parser: parse bytes that lie in the middle of a larger buffer, or fail the test.

import { MessageView, ParseStatus, parseMessage } from '../../src/stun/message-view.ts';

/** How many bytes lie before the message in {@link parseAmidst}. */
export const BEFORE = 7;

/** Parses a message with `canary` bytes around it. */
export function parseAmidst(bytes: Buffer, canary = 0xff): { status: ParseStatus; view: MessageView } {
  const buffer = Buffer.concat([Buffer.alloc(BEFORE, canary), bytes, Buffer.alloc(90, canary)]);
  const view = new MessageView();
  return { status: parseMessage(buffer, BEFORE, BEFORE + bytes.length, view), view };
}

/** What the parser says of bytes or of hex digits, blanks between them allowed. */
export function statusOf(bytes: Buffer | string): ParseStatus {
  return parseAmidst(typeof bytes === 'string' ? Buffer.from(bytes.replaceAll(' ', ''), 'hex') : bytes).status;
}

/** The view of a message that must parse. */
export function parsed(bytes: Buffer): MessageView {
  const { status, view } = parseAmidst(bytes);
  if (status !== ParseStatus.OK) throw new Error(`parse status ${status} for ${bytes.toString('hex')}`);
  return view;
}
