// Owns the list of all configuration keys, read off the schema: what environment names, suggestions, the example
// file and printing need to know of a key. It knows no values.

import { z } from 'zod';
import { configSchema } from './schema.ts';

/** JSON forms that a value of a key may have. */
export type ValueForm = 'string' | 'number' | 'boolean' | 'array' | 'object';

/** One setting: a leaf of the schema. */
export interface ConfigKey {
  readonly path: readonly string[];
  /** As in messages: `relay.external-address`. */
  readonly name: string;
  /** `TURND_RELAY__EXTERNAL_ADDRESS`. */
  readonly variable: string;
  readonly forms: ReadonlySet<ValueForm>;
  readonly description: string;
  /** The default in the form of the file; undefined if there is none. */
  readonly defaultValue: unknown;
}

/** The part of JSON Schema that zod writes for our schema. */
export interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly const?: unknown;
  readonly description?: string;
  readonly default?: unknown;
}

/** The JSON Schema (draft 2020-12) of the file, for editors. */
export function jsonSchema(): SchemaNode {
  return z.toJSONSchema(configSchema, { io: 'input' }) as SchemaNode;
}

/** Every key, in the order of the schema. */
export function listKeys(schema: SchemaNode = jsonSchema()): readonly ConfigKey[] {
  return collectKeys(schema, []);
}

/** The names that may stand in the object at `path`; empty if no object can stand there. */
export function namesAt(schema: SchemaNode, path: readonly PropertyKey[]): readonly string[] {
  let nodes: readonly SchemaNode[] = [schema];
  for (const step of path) nodes = nodes.flatMap(alternatives).flatMap((node) => child(node, step));
  return nodes.flatMap(alternatives).flatMap((node) => Object.keys(node.properties ?? {}));
}

function collectKeys(node: SchemaNode, path: readonly string[]): ConfigKey[] {
  if (node.properties === undefined) return [makeKey(node, path)];
  return Object.entries(node.properties).flatMap(([name, property]) => collectKeys(property, [...path, name]));
}

function makeKey(node: SchemaNode, path: readonly string[]): ConfigKey {
  return {
    path,
    name: path.join('.'),
    variable: `TURND_${path.join('__').replaceAll('-', '_').toUpperCase()}`,
    forms: new Set(alternatives(node).flatMap(formOf)),
    description: node.description ?? '',
    defaultValue: node.default,
  };
}

function alternatives(node: SchemaNode): readonly SchemaNode[] {
  return node.anyOf === undefined ? [node] : node.anyOf.flatMap(alternatives);
}

function child(node: SchemaNode, step: PropertyKey): readonly SchemaNode[] {
  const next = typeof step === 'number' ? node.items : node.properties?.[String(step)];
  return next === undefined ? [] : [next];
}

function formOf(node: SchemaNode): ValueForm[] {
  switch (node.type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'array':
    case 'object':
      return [node.type];
    case 'integer':
      return ['number'];
    default:
      return [];
  }
}
