// Owns what a relative path in a setting is relative to.

import { dirname, resolve } from 'node:path';
import { type Override, sourceAt } from './overrides.ts';

/** Relative paths of the file count from the file's directory, all others from the working directory. */
export class PathResolver {
  readonly #cwd: string;
  readonly #configFile: string | null;
  readonly #overrides: readonly Override[];

  /** `cwd` and `configFile` are absolute; `configFile` is null if there is none. */
  constructor(cwd: string, configFile: string | null, overrides: readonly Override[]) {
    this.#cwd = cwd;
    this.#configFile = configFile;
    this.#overrides = overrides;
  }

  /** The absolute path of `file`, the value of the key at `path`. */
  resolve(path: readonly PropertyKey[], file: string): string {
    const isFromFile = this.#configFile !== null && sourceAt(this.#overrides, path) === null;
    return resolve(this.#cwd, isFromFile ? dirname(this.#configFile) : '', file);
  }
}
