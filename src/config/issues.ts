// Owns the words for what the schema refuses: zod's issues become one path and one sentence each.

import type { z } from 'zod';
import { quote } from './address-values.ts';
import { namesAt, type SchemaNode } from './keys.ts';
import { suggest } from './suggest.ts';

type ZodIssue = z.core.$ZodIssue;

/** One fault of one value. */
export interface ValueFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Set when a key is at fault and not its value. */
  readonly key?: string;
}

/** Makes faults of issues, the alternatives of a union reduced to the one that was meant. */
export function toFaults(issues: readonly ZodIssue[], schema: SchemaNode): ValueFault[] {
  return issues.flatMap((issue) => fromIssue(issue, [], schema));
}

function fromIssue(issue: ZodIssue, base: readonly PropertyKey[], schema: SchemaNode): ValueFault[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, schema));
  if (issue.code !== 'invalid_union') return [{ path, message: sentence(issue) }];
  const meant = issue.errors.filter((branch) => !branch.some(isOtherForm));
  if (meant.length !== 1) return [{ path, message: issue.message }];
  return (meant[0] ?? []).flatMap((inner) => fromIssue(inner, path, schema));
}

/** The value has another form (text, list, object) than this alternative of a union. */
function isOtherForm(issue: ZodIssue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
}

function unknownKey(key: string, path: readonly PropertyKey[], schema: SchemaNode): ValueFault {
  return { path, key, message: `unknown key ${quote(key)}${suggest(key, namesAt(schema, path))}` };
}

// zod's messages never quote the value, so a secret in the wrong place does not leak.
function sentence(issue: ZodIssue): string {
  // The schema's own words do not begin as zod's do.
  if (issue.code === 'too_small' && issue.message.startsWith('Too small')) return `must be at least ${issue.minimum}`;
  if (issue.code === 'too_big' && issue.message.startsWith('Too big')) return tooBig(issue);
  if (issue.code === 'invalid_value') return `must be ${issue.values.join(', ').replace(/, (?=[^,]*$)/, ' or ')}`;
  if (issue.code !== 'invalid_type') return lowerFirst(issue.message);
  if (issue.message.endsWith('received undefined')) return 'is missing';
  const hint =
    issue.expected === 'string' && /received (?:number|boolean)$/.test(issue.message) ? '; put it between quotes' : '';
  return `${lowerFirst(issue.message.replace(/^Invalid input: /, ''))}${hint}`;
}

function tooBig({ maximum, origin }: z.core.$ZodIssueTooBig): string {
  return origin === 'string' ? `must not be longer than ${maximum} characters` : `must be at most ${maximum}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
