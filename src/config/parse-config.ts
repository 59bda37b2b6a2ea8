// Owns the way from all sources (flags, environment, file, defaults; the first one wins) to one Config or to the
// list of every fault. It reads files only through the reader it is given, and never throws on bad input.

import { join, resolve } from 'node:path';
import { looksLikeCoturn } from '../coturn/looks-like-coturn.ts';
import { escapeText, quoteText } from '../escape-text.ts';
import { warnOfAmplification } from './amplification.ts';
import { type Config, makeConfig } from './config.ts';
import { collectTokens, warnOfPlainHttp } from './control-settings.ts';
import { parseCoturn } from './coturn-source.ts';
import {
  type CredentialFiles,
  collectCredentials,
  findRepeatedUsers,
  type Locate,
  readCredentialFiles,
  warnOfWeakCredentials,
} from './credentials.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { FaultReport } from './fault-report.ts';
import type { FileReader } from './file-reader.ts';
import { toFaults } from './issues.ts';
import { jsonSchema, listKeys } from './keys.ts';
import { warnOfMetrics } from './metrics-warnings.ts';
import { applyOverrides, type Override, type Tree } from './overrides.ts';
import { PathResolver } from './path-resolver.ts';
import { warnOfPeers } from './peer-warnings.ts';
import { configSchema, type Settings } from './schema.ts';
import { judgeFiles } from './secrets-in-place.ts';
import { readStores } from './stores.ts';
import { locateFile } from './systemd-credentials.ts';
import { findTlsFiles } from './tls-files.ts';
import { collectWebhooks, warnOfPlainWebhooks } from './webhook-settings.ts';
import { parseYaml, type SourceText } from './yaml-source.ts';

/** Everything a configuration is made of. */
export interface ConfigSources {
  readonly flags: readonly Override[];
  readonly env: Environment;
  /** The configuration file, or null if there is none. */
  readonly file: { readonly path: string; readonly text: string } | null;
  /** Absolute path of the working directory. */
  readonly cwd: string;
  readonly reader: FileReader;
}

/** A Config with warnings, or all faults, one line each. */
export type ConfigResult =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly warnings: readonly string[];
      /** What was set, by whomever; the defaults are not in it. */
      readonly tree: Tree;
      /** What of it flags and environment have set. */
      readonly overrides: readonly Override[];
    }
  | { readonly ok: false; readonly errors: readonly string[] };

/** Parses and checks a configuration. Faults of the file come first, in the order of its lines. */
export function parseConfig(sources: ConfigSources): ConfigResult {
  const schema = jsonSchema();
  const environment = readEnvironment(sources.env, listKeys(schema), sources.reader);
  const source = parseSource(sources);
  const overrides = [...environment.overrides, ...sources.flags];
  const tree = applyOverrides(source.tree, overrides);
  const paths = new PathResolver(sources.cwd, sources.file?.path ?? null, overrides);
  const locate: Locate = (path, file) => locateFile(file, sources, () => paths.resolve(path, file));
  const files = readCredentialFiles(tree, locate, sources.reader);
  const checked = configSchema.safeParse(tree);
  const report = new FaultReport(sources.file?.path ?? '', source, overrides);
  report.addOfSource();
  report.addOfValues(checked.success ? [] : toFaults(checked.error.issues, schema));
  report.addOfValues(files.faults);
  report.addOthers(environment.faults);
  if (!checked.success || !report.isEmpty) return { ok: false, errors: report.lines() };
  return finish(checked.data, files, {
    sources,
    overrides,
    paths,
    locate,
    report,
    tree,
    warnings: environment.warnings,
  });
}

/** A file is YAML or coturn's, as its content says. */
function parseSource({ file, cwd, reader }: ConfigSources): SourceText {
  const text = file?.text ?? '';
  return looksLikeCoturn(text) ? parseCoturn(text, cwd, reader) : parseYaml(text);
}

/** What the last step needs beside the settings and files. */
interface Context {
  readonly sources: ConfigSources;
  readonly overrides: readonly Override[];
  readonly paths: PathResolver;
  readonly locate: Locate;
  readonly report: FaultReport;
  readonly tree: Tree;
  readonly warnings: readonly string[];
}

function finish(settings: Settings, files: CredentialFiles, context: Context): ConfigResult {
  const { sources, paths, report, tree } = context;
  const credentials = collectCredentials(settings, files);
  const repeated = findRepeatedUsers(credentials.users);
  if (repeated.length > 0) {
    report.addOfValues(
      repeated.map((name) => ({ path: ['auth', 'users'], message: `user ${quoteText(name)} is there twice` })),
    );
    return { ok: false, errors: report.lines() };
  }
  const stateDir = stateDirectory(settings, sources, paths);
  const stores = readStores(settings, { files, paths, stateDir });
  const { locate } = context;
  const { reader } = sources;
  const tls = findTlsFiles(settings.tls.certificates, {
    ...{ locate, reader, pathOf: (index) => ['tls', 'certificates', index] },
  });
  const { control } = settings;
  const controlTls = findTlsFiles(control.tls === undefined ? [] : [control.tls], {
    ...{ locate, reader, pathOf: () => ['control', 'tls'] },
  });
  const { tokens, faults: tokenFaults } = collectTokens(control.tokens, files);
  const { webhooks, faults: webhookFaults } = collectWebhooks(settings.webhooks, files);
  const inPlace = judgeFiles(settings, stores, { ...sources, overrides: context.overrides });
  report.addOfValues([...stores.faults, ...tls.faults, ...controlTls.faults, ...tokenFaults, ...webhookFaults]);
  report.addPlain(inPlace.faults);
  if (!report.isEmpty) return { ok: false, errors: report.lines() };
  const config = makeConfig(
    { ...settings, tls: { ...settings.tls, certificates: tls.certificates } },
    {
      credentials,
      stateDir,
      store: stores.store,
      statsdb: stores.statsdb,
      controlSocket: controlSocket(settings, { sources, paths, stateDir }),
      controlTls: controlTls.certificates[0] ?? null,
      tokens,
      webhooks,
      logFile: settings.log.file === undefined ? null : paths.resolve(['log', 'file'], settings.log.file),
      configFile: sources.file?.path ?? null,
    },
  );
  const warnings = [
    ...report.warnings(),
    ...inPlace.warnings,
    ...context.warnings,
    ...files.warnings,
    ...tls.warnings,
    ...controlTls.warnings,
    ...warnOfPlainHttp(control.listen),
    ...warnOfWeakCredentials(credentials),
    ...warnOfAmplification(config),
    ...warnOfPeers(config),
    ...warnOfMetrics(config),
    ...warnOfPlainWebhooks(webhooks),
  ];
  return { ok: true, config, warnings: warnings.map(escapeText), tree, overrides: context.overrides };
}

/** `--state-dir`, else the one that systemd made, else a directory below the working directory (DESIGN.md §1). */
function stateDirectory(settings: Settings, sources: ConfigSources, paths: PathResolver): string {
  const configured = settings['state-dir'];
  if (configured !== undefined) return paths.resolve(['state-dir'], configured);
  const fromSystemd = sources.env['STATE_DIRECTORY']?.split(':', 1)[0];
  return resolve(sources.cwd, fromSystemd || '.turnd');
}

/** A path, none, or turnd.sock where systemd keeps such things, else in the state directory (DESIGN.md §1). */
function controlSocket(
  settings: Settings,
  { sources, paths, stateDir }: { sources: ConfigSources; paths: PathResolver; stateDir: string },
): string | null {
  const { socket } = settings.control;
  if (socket === 'none') return null;
  if (socket !== 'auto') return paths.resolve(['control', 'socket'], socket);
  const runtime = sources.env['RUNTIME_DIRECTORY']?.split(':', 1)[0];
  return join(runtime || stateDir, 'turnd.sock');
}
