// Certificates and TLS versions.

import { quoteText } from '../escape-text.ts';
import type { Draft } from './draft.ts';
import { findFile, type ImportHost } from './find-file.ts';

const DEFAULT_CERTIFICATE = 'turn_server_cert.pem';
const DEFAULT_KEY = 'turn_server_pkey.pem';

/** Sets what stands below `tls`. */
export function resolveTls(draft: Draft, host: ImportHost): void {
  const newest = draft.switch('no-tlsv1_2');
  if (newest !== null) draft.set('tls.min-version', newest ? '1.3' : '1.2', 'no-tlsv1_2', [draft.last('no-tlsv1_2')]);
  const sources = [draft.text('cert'), draft.text('pkey')] as const;
  const certificate = pathOf(draft, 'cert', DEFAULT_CERTIFICATE, host);
  const key = pathOf(draft, 'pkey', DEFAULT_KEY, host);
  const passphrase = draft.text('pkey-pwd');
  if (certificate === null || key === null) {
    warnOfMissing(draft, certificate ?? key);
    return;
  }
  const entry = { certificate, key, ...(passphrase === null ? {} : { passphrase: passphrase.value }) };
  const named = sources[0] ?? sources[1];
  draft.set('tls.certificates', [entry], 'cert and pkey; read again by `turnctl reload` and on SIGUSR2.', [named]);
}

/** The file, or the one that coturn would find without the option. */
function pathOf(draft: Draft, option: string, fallback: string, host: ImportHost): string | null {
  const entry = draft.last(option);
  if (entry !== null && entry.value === '') return null;
  const found = findFile(entry?.value ?? fallback, host);
  if (found === null && entry !== null) {
    draft.warn(
      entry,
      `there is no file ${quoteText(entry.value)}: TLS is served with a self-made certificate, which browsers refuse`,
    );
  }
  return found;
}

function warnOfMissing(draft: Draft, other: string | null): void {
  if (draft.isOn('no-tls') || draft.warnings.some(({ option }) => option === 'cert' || option === 'pkey')) return;
  const [named, missing] = draft.last('cert') === null ? ['pkey', 'cert'] : ['cert', 'pkey'];
  const entry = draft.last(named);
  if (other !== null && entry !== null)
    draft.warn(entry, `${missing} is missing: TLS is served with a self-made certificate, which browsers refuse`);
  else draft.warn('cert', 'is absent: TLS is served with a self-made certificate, which browsers refuse');
}
