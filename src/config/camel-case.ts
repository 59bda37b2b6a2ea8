// Owns the step from the keys of the file (kebab-case) to the names of the code (camelCase), as type and as value.

/** `max-lifetime` becomes `maxLifetime`. */
export type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

/** `T` with every object key, at any depth, in camelCase and read-only. */
export type CamelKeys<T> = T extends readonly (infer Element)[]
  ? readonly CamelKeys<Element>[]
  : T extends object
    ? { readonly [Key in keyof T as Key extends string ? CamelCase<Key> : Key]: CamelKeys<T[Key]> }
    : T;

/** Copies plain data with its keys in camelCase, and freezes the copy at every depth. */
export function camelKeys<T>(value: T): CamelKeys<T> {
  return convert(value) as CamelKeys<T>;
}

function convert(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(convert));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, child]) => [camelCase(key), convert(child)]);
  return Object.freeze(Object.fromEntries(entries));
}

function camelCase(key: string): string {
  return key.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
