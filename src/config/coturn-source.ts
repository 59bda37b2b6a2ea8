// Owns coturn's configuration as a source of settings: its tree, and the line that each value came from.

import type { ImportedSetting, Remark } from '../coturn/draft.ts';
import type { ImportHost } from '../coturn/find-file.ts';
import { importCoturn } from '../coturn/import-coturn.ts';
import type { FileReader } from './file-reader.ts';
import { applyOverrides } from './overrides.ts';
import { suggest } from './suggest.ts';
import type { PlacedFault, SourceText } from './yaml-source.ts';

/** Reads the text of coturn's file; the offsets of this source are its lines, 0 for what is absent. Never throws. */
export function parseCoturn(text: string, cwd: string, reader: FileReader): SourceText {
  const { settings, faults, warnings } = importCoturn(text, importHost(cwd, reader), suggest);
  return {
    tree: applyOverrides(
      {},
      settings.map(({ path, value }) => ({ path, value, source: '' })),
    ),
    faults: faults.map(placed),
    warnings: warnings.map(placed),
    place: (line) => (line === 0 ? '' : String(line)),
    nameOf: (path) => sourceOf(settings, path)?.name ?? path.map(String).join('.'),
    offsetOf: (path) => sourceOf(settings, path)?.line ?? 0,
    offsetOfKey: (path) => sourceOf(settings, path)?.line ?? 0,
  };
}

/** What an import may know of the machine: through the reader. */
export function importHost(cwd: string, reader: FileReader): ImportHost {
  const exists = (path: string): boolean => {
    try {
      reader.mode(path);
      return true;
    } catch {
      return false;
    }
  };
  return { cwd, exists };
}

function placed({ line, option, message }: Remark): PlacedFault {
  return { offset: line ?? 0, message: option === '' ? message : `${option}: ${message}` };
}

/** The line behind a value: that of the element, for a list. */
function sourceOf(settings: readonly ImportedSetting[], path: readonly PropertyKey[]) {
  const setting = settings.find((one) => one.path.every((step, index) => path[index] === step));
  const element = path[setting?.path.length ?? 0];
  return setting?.sources[typeof element === 'number' ? element : 0] ?? setting?.sources[0];
}
