// What a check of one URL found: the steps and what became of each. Owns the form, not the words on a terminal.

import type { CertificateDetails } from '../../client/certificate-details.ts';
import type { ResolvedBy } from '../../client/resolve.ts';
import type { ClientTransportKind } from '../../client/uri.ts';

/** The steps in their order. */
export const STEPS = ['resolve', 'connect', 'binding', 'allocate', 'permission', 'channel', 'echo', 'refresh'] as const;
export type StepName = (typeof STEPS)[number];

/** What became of a step. */
export type StepStatus = 'ok' | 'failed' | 'skipped';

/** A failure in an operator's words. */
export interface Problem {
  /** What failed. */
  readonly what: string;
  /** The likely cause. */
  readonly cause: string;
  /** What to do. */
  readonly remedy: string;
}

/** A value of a step for machines. */
export type Fact = string | number | boolean | null | readonly string[] | { readonly [name: string]: Fact };

/** One step. */
export interface StepReport {
  readonly step: StepName;
  readonly status: StepStatus;
  /** How long it took; 0 for a skipped one. */
  readonly ms: number;
  /** What was found, or why it was skipped, in one line. Foreign text in it is escaped. */
  readonly summary: string;
  readonly facts: Readonly<Record<string, Fact>>;
  /** What is not wrong but should be known. */
  readonly warnings: readonly string[];
  readonly problem: Problem | null;
}

/** The server that the URL led to. */
export interface CheckedServer {
  readonly address: string;
  readonly transport: ClientTransportKind;
  readonly by: ResolvedBy;
}

/** One URL. */
export interface CheckReport {
  readonly url: string;
  /** No step has failed. */
  readonly ok: boolean;
  readonly server: CheckedServer | null;
  readonly certificate: CertificateDetails | null;
  readonly steps: readonly StepReport[];
}
