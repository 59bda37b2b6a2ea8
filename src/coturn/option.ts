// What can be said of one of coturn's options: which keys it becomes, or why it becomes none. The warnings of an import
// and docs/coturn.md are both made of it.

/** Taken over: a resolver reads it and sets these keys. */
export interface MappedOption {
  readonly kind: 'mapped';
  readonly name: string;
  /** With dots, as in messages. */
  readonly keys: readonly string[];
  /** How the value is taken; empty = as it is. Markdown. */
  readonly note: string;
}

/** A switch whose one position is what turnd always does. */
export interface BuiltInOption {
  readonly kind: 'built-in';
  readonly name: string;
  /** The position that turnd always has. */
  readonly position: boolean;
  readonly note: string;
  /** The warning for the other position. */
  readonly otherwise: string;
}

/** Not taken over. */
export interface DroppedOption {
  readonly kind: 'dropped';
  readonly name: string;
  /** A switch that is off says nothing; a value among `idle` neither. */
  readonly form: 'switch' | 'value';
  /** Values that are what turnd does anyway. */
  readonly idle: readonly string[];
  /** Why, and what replaces it: the warning. */
  readonly note: string;
}

export type CoturnOption = MappedOption | BuiltInOption | DroppedOption;

/** Options under one heading of the table. */
export interface OptionGroup {
  readonly title: string;
  readonly options: readonly CoturnOption[];
}

/** An option that becomes keys. */
export function mapped(name: string, keys: string, note = ''): CoturnOption {
  return { kind: 'mapped', name, keys: keys.split(' '), note };
}

/** A switch that is always on. */
export function alwaysOn(name: string, note: string, otherwise: string): CoturnOption {
  return { kind: 'built-in', name, position: true, note, otherwise };
}

/** A switch that is always off. */
export function alwaysOff(name: string, note: string, otherwise: string): CoturnOption {
  return { kind: 'built-in', name, position: false, note, otherwise };
}

/** A switch that turnd does not have. */
export function droppedSwitch(name: string, note: string): CoturnOption {
  return { kind: 'dropped', name, form: 'switch', idle: [], note };
}

/** A value that turnd does not take; those of `idle` are what it does anyway. */
export function droppedValue(name: string, note: string, ...idle: readonly string[]): CoturnOption {
  return { kind: 'dropped', name, form: 'value', idle, note };
}
