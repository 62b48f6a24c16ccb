import { StoreError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { JobFile } from '../core/job-file.ts';
import { frozenPath, type JobFiles } from '../core/ports/files.ts';

/**
 * The job file as it was built, with all that it names; null for a job that was built without one. Later stages, retries,
 * the check of answers and what is written from them depend on it, so that a change of the job file changes no job.
 */
export async function loadFrozen(job: Pick<Job, 'jobId' | 'spec'>, files: JobFiles): Promise<JobFile | null> {
  const path = frozenPath(files.requestsDir(job.jobId));
  if (!files.exists(path)) {
    if (job.spec.needsFrozen)
      throw frozenGone(path, `put it back from a copy, then batchctl retrieve ${job.jobId}`);
    return null;
  }
  let text = '';
  for await (const lines of files.lines(path)) for (const line of lines) text += `${line.text}\n`;
  try {
    const value: unknown = JSON.parse(text);
    // Written by the build, from a JobFile; a file that somebody cut or changed is no job.
    if (isJobFile(value)) return value;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new StoreError(`${path} is damaged`, {
    code: 'frozen_job_damaged',
    why: 'it does not hold the job as it was built',
    next: 'put it back from a copy; later stages and the outputs of the job are made from it',
  });
}

/**
 * For a job whose next requests are made from it: to go on without it would leave them out without a word.
 *
 * @throws StoreError when it is gone or damaged.
 */
export async function requireFrozen(job: Pick<Job, 'jobId' | 'spec'>, files: JobFiles): Promise<JobFile> {
  const frozen = await loadFrozen(job, files);
  if (frozen !== null) return frozen;
  const cancel = `or batchctl cancel ${job.jobId}, which keeps what is there`;
  const next = `put it back from a copy, then batchctl resume ${job.jobId}; ${cancel}`;
  throw frozenGone(frozenPath(files.requestsDir(job.jobId)), next);
}

function frozenGone(path: string, next: string): StoreError {
  return new StoreError(`${path} is gone`, {
    code: 'frozen_job_gone',
    why: 'it holds the job as it was built: requests of later stages, the check of answers and the outputs are made from it',
    next,
  });
}

function isJobFile(value: unknown): value is JobFile {
  return typeof value === 'object' && value !== null && 'stages' in value && Array.isArray(value.stages);
}
