import { type AnswerCheck, compileAnswerCheck } from '../core/answer-check.ts';
import { StoreError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { JobFile } from '../core/job-file.ts';
import { frozenPath, type JobFiles } from '../core/ports/files.ts';
import { SchemaError } from '../core/schema-error.ts';
import { loadFrozen } from './frozen-job.ts';

/** Stage → the check of its answers; stages without a schema are left out. */
export type AnswerChecks = ReadonlyMap<string, AnswerCheck>;

/** From the job as it was built, so that a raw line always gets the same verdict. Load it once for many rows. */
export async function loadChecks(job: Pick<Job, 'jobId' | 'spec'>, files: JobFiles): Promise<AnswerChecks> {
  return checksOf(await loadFrozen(job, files), frozenPath(files.requestsDir(job.jobId)));
}

/** `path` is where the frozen job stands. @throws StoreError when a schema in it is none any more. */
export async function checksOf(frozen: JobFile | null, path: string): Promise<AnswerChecks> {
  const checks = new Map<string, AnswerCheck>();
  for (const { name, schema } of frozen?.stages ?? []) {
    if (schema?.kind !== 'inline') continue;
    try {
      checks.set(name, await compileAnswerCheck(schema.schema));
    } catch (cause) {
      if (!(cause instanceof SchemaError)) throw cause;
      throw new StoreError(`${path} is damaged`, {
        code: 'frozen_job_damaged',
        why: `the schema of stage ${name} cannot be used: ${cause.message}`,
        next: 'put it back from a copy; the answers of the job are checked by it',
        cause,
      });
    }
  }
  return checks;
}
