// All options of coturn, by name.

import type { CoturnOption, OptionGroup } from './option.ts';
import { ACCESS_OPTIONS } from './options-access.ts';
import { NETWORK_OPTIONS } from './options-network.ts';
import { OPERATION_OPTIONS } from './options-operation.ts';

/** Every option, in the order of the documentation. */
export const OPTION_GROUPS: readonly OptionGroup[] = Object.freeze([
  ...ACCESS_OPTIONS,
  ...NETWORK_OPTIONS,
  ...OPERATION_OPTIONS,
]);

const BY_NAME: ReadonlyMap<string, CoturnOption> = new Map(
  OPTION_GROUPS.flatMap(({ options }) => options).map((option) => [option.name, option]),
);

/** The option of that name, exact in letter case; null if coturn never had one. */
export function findOption(name: string): CoturnOption | null {
  return BY_NAME.get(name) ?? null;
}

/** The names of all options. */
export function optionNames(): Iterable<string> {
  return BY_NAME.keys();
}
