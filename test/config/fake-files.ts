// Owns a file system in memory for configuration tests.

import type { FileReader } from '../../src/config/file-reader.ts';

/** Content by absolute path; a number instead of text is the errno name's stand-in for EACCES. */
export function fakeFiles(
  files: Readonly<Record<string, string>>,
  modes: Readonly<Record<string, number>> = {},
): FileReader {
  const find = (path: string): string => {
    const text = Object.hasOwn(files, path) ? files[path] : undefined;
    if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    if (text === 'EACCES') throw Object.assign(new Error(`EACCES: ${path}`), { code: 'EACCES' });
    return text;
  };
  return {
    read: find,
    mode: (path) => {
      const mode = modes[path];
      if (mode === undefined) find(path);
      return mode ?? 0o600;
    },
  };
}
