// The quota as a worker sees it: main counts.

import type { Quota, QuotaRequest } from '../turn/env.ts';
import type { Grant } from '../turn/grant.ts';
import type { WireQuotaRequest } from './messages.ts';

/** How main is asked and told. */
export interface QuotaQuestions {
  /** Rejects when main cannot be asked. */
  quota(request: WireQuotaRequest): Promise<Grant | null>;
  release(request: WireQuotaRequest): void;
}

/** Asks main for each allocation. */
export class RemoteQuota implements Quota {
  readonly #questions: QuotaQuestions;
  readonly #defaultRealm: string;

  constructor(questions: QuotaQuestions, defaultRealm: string) {
    this.#questions = questions;
    this.#defaultRealm = defaultRealm;
  }

  async acquire(request: QuotaRequest): Promise<Grant | null> {
    try {
      return await this.#questions.quota(toWire(request, this.#defaultRealm));
    } catch {
      return null; // main is gone, and so is this worker soon; or too many wait
    }
  }

  release(request: QuotaRequest): void {
    this.#questions.release(toWire(request, this.#defaultRealm));
  }
}

// There is a message for each Allocate: what goes without saying is left out.
function toWire({ credential, client }: QuotaRequest, defaultRealm: string): WireQuotaRequest {
  if (credential === null) return { credential, client: client.text };
  const { quotaKey, quotaLimit, realm, realmLimit } = credential;
  const counted = {
    ...{ quotaKey, quotaLimit },
    ...(realm === defaultRealm ? {} : { realm }),
    ...(realmLimit === 0 ? {} : { realmLimit }),
  };
  return { credential: counted, client: client.text };
}
