// Owns where the files of `tls.certificates` are, and who else can get at the keys. Does not read them: a server does.

import type { Locate } from './credentials.ts';
import type { FileReader } from './file-reader.ts';
import type { ValueFault } from './issues.ts';
import type { Settings } from './schema.ts';
import { faultIfWritable, warnIfReadable } from './secret-files.ts';

type Certificates = Settings['tls']['certificates'];

/** The files of a configuration, absolute. */
export interface TlsFiles {
  readonly certificates: Certificates;
  readonly faults: readonly ValueFault[];
  readonly warnings: readonly string[];
}

/** What {@link findTlsFiles} looks with. */
interface Context {
  /** Where in the configuration the pair of that index stands. */
  readonly pathOf: (index: number) => readonly PropertyKey[];
  readonly locate: Locate;
  readonly reader: FileReader;
}

/** Finds the files of all certificates. */
export function findTlsFiles(certificates: Certificates, { pathOf, locate, reader }: Context): TlsFiles {
  const faults: ValueFault[] = [];
  const warnings: string[] = [];
  const find = (index: number, kind: 'certificate' | 'key', file: string): string => {
    const path = [...pathOf(index), kind];
    const located = locate(path, file);
    if ('error' in located) {
      faults.push({ path, message: located.error });
      return file;
    }
    const fault = kind === 'key' ? faultIfWritable(reader, located.path) : null;
    if (fault !== null) faults.push({ path, message: fault });
    const warning = kind === 'key' ? warnIfReadable(reader, located.path) : null;
    if (warning !== null) warnings.push(`${path.join('.')}: ${warning}`);
    return located.path;
  };
  const found = certificates.map((entry, index) => ({
    ...entry,
    certificate: find(index, 'certificate', entry.certificate),
    key: find(index, 'key', entry.key),
  }));
  return { certificates: found, faults, warnings };
}
