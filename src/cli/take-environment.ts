// Owns that settings of the environment stand nowhere but where they are read: secrets may be among them (S55).

const SETTING = /^TURND_/;

/**
 * A copy of the environment, for reading settings from it now and later. What concerns turnd is taken out of the
 * environment itself, so that neither a child process nor a diagnostic report of Node's has it.
 */
export function takeEnvironment(env: NodeJS.ProcessEnv): Readonly<Record<string, string | undefined>> {
  const taken = Object.freeze({ ...env });
  for (const name of Object.keys(env)) if (SETTING.test(name)) delete env[name];
  return taken;
}
