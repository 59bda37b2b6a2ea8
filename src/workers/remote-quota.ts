// The quota as a worker sees it: main counts.

import type { Quota, QuotaRequest } from '../turn/env.ts';
import type { WireQuotaRequest } from './messages.ts';

/** How main is asked and told. */
export interface QuotaQuestions {
  /** Rejects when main cannot be asked. */
  quota(request: WireQuotaRequest): Promise<boolean>;
  release(request: WireQuotaRequest): void;
}

/** Asks main for each allocation. */
export class RemoteQuota implements Quota {
  readonly #questions: QuotaQuestions;

  constructor(questions: QuotaQuestions) {
    this.#questions = questions;
  }

  async acquire(request: QuotaRequest): Promise<boolean> {
    try {
      return await this.#questions.quota(toWire(request));
    } catch {
      return false; // main is gone, and so is this worker soon; or too many wait
    }
  }

  release(request: QuotaRequest): void {
    this.#questions.release(toWire(request));
  }
}

function toWire({ credential, client }: QuotaRequest): WireQuotaRequest {
  if (credential === null) return { credential, client: client.text };
  const { quotaKey, quotaLimit, realm, realmLimit } = credential;
  return { credential: { quotaKey, quotaLimit, realm, realmLimit }, client: client.text };
}
