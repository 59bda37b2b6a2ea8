// Asks one server: writes requests, answers its challenges, and judges what comes back (RFC 8489 §9.2). Owns the
// authentication of one path; knows methods by number only.

import { randomBytes } from 'node:crypto';
import { Attribute } from '../stun/attributes.ts';
import { ErrorCode } from '../stun/error-codes.ts';
import type { MessageView } from '../stun/message-view.ts';
import { type Method, TRANSACTION_ID_LENGTH } from '../stun/methods.ts';
import { valueEquals } from '../stun/readers.ts';
import { type Authentication, answerChallenge, type LongTermCredential } from './challenge.ts';
import { type RequestFields, writeRequest } from './request-message.ts';
import { errorCodeOf, judgeResponse, rejection } from './response.ts';
import type { Answered, Transactions } from './transaction.ts';

// A nonce that is stale four times in a row was stale when it was made.
const MAX_STALE_NONCES = 3;

/** Sends requests of one credential over one path. */
export class Requester {
  readonly #transactions: Transactions;
  readonly #credential: LongTermCredential | null;
  #authentication: Authentication | null = null;

  constructor(transactions: Transactions, credential: LongTermCredential | null) {
    this.#transactions = transactions;
    this.#credential = credential;
  }

  /** What requests are signed with now; null until the server has asked for it. */
  get authentication(): Authentication | null {
    return this.#authentication;
  }

  /** Asks without authentication, whatever has been before: Binding (RFC 8489 §12). */
  askPlainly(what: string, method: Method): Promise<Answered<MessageView>> {
    return this.#ask(what, method, {}, null).then((answered) => accept(what, answered));
  }

  /** Asks, and asks again as challenges demand. Rejects with a {@link ClientError}. */
  async ask(what: string, method: Method, fields: RequestFields): Promise<Answered<MessageView>> {
    for (let stale = 0; ; ) {
      const sent = this.#authentication;
      const answered = await this.#ask(what, method, fields, sent);
      const view = answered.value;
      const code = errorCodeOf(view);
      if (code === ErrorCode.STALE_NONCE && stale++ >= MAX_STALE_NONCES) throw rejection(what, view);
      if (!this.#takeChallenge(view, code, sent)) return accept(what, answered);
    }
  }

  // A second 401 under the same realm says that the credential is wrong (RFC 8489 §9.2.5).
  #takeChallenge(view: MessageView, code: number, sent: Authentication | null): boolean {
    if (this.#credential === null) return false;
    const isChallenge = code === ErrorCode.UNAUTHENTICATED || code === ErrorCode.STALE_NONCE;
    if (!isChallenge) return false;
    const isRepeated = sent !== null && valueEquals(view, Attribute.REALM, sent.realm);
    if (code === ErrorCode.UNAUTHENTICATED && isRepeated) return false;
    this.#authentication = answerChallenge(view, this.#credential);
    return true;
  }

  #ask(
    what: string,
    method: Method,
    fields: RequestFields,
    authentication: Authentication | null,
  ): Promise<Answered<MessageView>> {
    const request = writeRequest(method, randomBytes(TRANSACTION_ID_LENGTH), fields, authentication);
    return this.#transactions.run(what, request, (view) => judgeResponse(what, view, authentication));
  }
}

function accept(what: string, answered: Answered<MessageView>): Answered<MessageView> {
  if (errorCodeOf(answered.value) !== 0) throw rejection(what, answered.value);
  return answered;
}
