/**
 * What programs find that a job starts (a source's `command`, `on_end`, git and its hooks): everything but the variables of the
 * API. None of them needs the key, and a job file that came from elsewhere shall not be able to read it out.
 */
export function withoutApiVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.toUpperCase().startsWith('ANTHROPIC_')),
  );
}

/** What the SDK would take for a credential, too. */
const SECRETS = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN'];

/**
 * Returns a copy of `env` and takes the secrets out of `env` itself, the process's own: a module of a job cannot read them
 * there, and a diagnostic report cannot hold them. With --report-on-fatalerror Node 24.21 writes the environment of a process
 * that ran out of memory although `process.report.excludeEnv` is set, but only what is left in it.
 */
export function takeEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const copy = { ...env };
  for (const name of SECRETS) delete env[name];
  return copy;
}
