// Owns the form in which rules are handed to the operator: lines to paste or to save, how to take them back, and what
// to know beforehand. `#` begins a comment in every form.

import type { FirewallNeeds } from './openings.ts';

/** Rules for one firewall. */
export interface FirewallPlan {
  /** What the lines are for: a shell, or `nft -f`. */
  readonly form: 'shell' | 'nft';
  readonly lines: readonly string[];
  /** Shell lines that take it all back. */
  readonly removal: readonly string[];
  /** One sentence each. */
  readonly notes: readonly string[];
}

/** How rules are made. */
export interface PlanOptions {
  /** Whether what the relays send must be let out too. */
  readonly egress: boolean;
  /** The chain of nftables that drops what it does not know: `inet filter input`. */
  readonly chain: string;
}

/** Writes the rules for one firewall. */
export type Planner = (needs: FirewallNeeds, options: PlanOptions) => FirewallPlan;

/** The text to paste or to save. */
export function planText({ lines, removal, notes }: FirewallPlan, title: string): string {
  const comments = [title, ...notes].map((line) => `# ${line}`);
  const back = ['', '# To take it back:', ...removal.map((line) => `#   ${line}`)];
  return `${[...comments, '', ...lines, ...back].join('\n')}\n`;
}
