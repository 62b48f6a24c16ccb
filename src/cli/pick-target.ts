import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../core/errors.ts';
import type { JobFile } from '../core/job-file.ts';
import { isFolder } from '../files/workspace.ts';
import type { Context } from './context.ts';

/** What `submit`, `build` and `plan` were pointed at. */
export type Target =
  | { readonly kind: 'job_file'; readonly path: string }
  | { readonly kind: 'requests'; readonly path: string }
  | { readonly kind: 'job'; readonly id: string };

const JOB_FILE = /\.ya?ml$/;
const REQUESTS_FILE = /\.jsonl$/;

/**
 * Without an argument the only job file of the workspace; else a path, the name of a `NAME.job.yaml` beside it, or a
 * job that was built before. Paths come back absolute.
 */
export async function pickTarget(text: string | undefined, context: Context): Promise<Target> {
  if (text === undefined) return { kind: 'job_file', path: await onlyJobFile(context) };
  const path = resolve(context.cwd, text);
  if (REQUESTS_FILE.test(text)) return { kind: 'requests', path };
  if (JOB_FILE.test(text)) return { kind: 'job_file', path };
  for (const folder of [context.cwd, context.wire.root]) {
    const named = resolve(folder, `${text}.job.yaml`);
    if (existsSync(named)) return { kind: 'job_file', path: named };
  }
  if (isFolder(path)) {
    throw new UsageError(`${text} is a folder`, {
      code: 'not_a_job',
      next: `name a job file in it, or work in it: batchctl -C ${text} …`,
    });
  }
  return { kind: 'job', id: text };
}

/** For the commands that take no job id. */
export async function pickJobFile(
  text: string | undefined,
  sets: readonly string[],
  context: Context,
): Promise<JobFile> {
  const target = await pickTarget(text, context);
  if (target.kind !== 'job') return loadTarget(target, sets, context);
  throw new UsageError(`there is no job file ${target.id}`, {
    code: 'job_file_not_found',
    why: `neither ${target.id} nor ${target.id}.job.yaml is there`,
    next: 'batchctl init writes one that runs',
  });
}

export async function loadTarget(
  target: Exclude<Target, { readonly kind: 'job' }>,
  sets: readonly string[],
  context: Context,
): Promise<JobFile> {
  const { loadJobFile, requestsJob } = await import('../files/load-job-file.ts');
  const options = { root: context.wire.root, sets };
  return target.kind === 'requests' ? requestsJob(target.path, options) : loadJobFile(target.path, options);
}

/** The only one of the workspace; below its root, of several, the only one that stands in the current folder. */
async function onlyJobFile({ cwd, wire: { root } }: Context): Promise<string> {
  const { findJobFiles } = await import('../files/find-job-files.ts');
  const found = await findJobFiles(root);
  const here = found.filter((path) => dirname(resolve(root, path)) === cwd);
  if (cwd !== root && here.length === 1) return resolve(root, ...here);
  const [only, ...others] = found;
  if (only === undefined) {
    throw new UsageError('there is no job file here', {
      code: 'job_file_not_found',
      why: `no *.job.yaml stands in ${root} or its folders`,
      next: 'batchctl init writes one that runs; -C names another workspace',
    });
  }
  if (others.length > 0) {
    throw new UsageError(`there are ${found.length} job files here`, {
      code: 'several_job_files',
      why: found.join('\n'),
      next: `name one, such as ${only}`,
    });
  }
  return resolve(root, only);
}
