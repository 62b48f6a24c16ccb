import { UsageError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { dayOf, readPruned } from '../core/pruned.ts';
import type { LocalDeps } from './deps.ts';

/**
 * For all that needs a job's rows or answers.
 *
 * @throws UsageError when they were pruned: they are gone for good, and nothing asks the API for them.
 */
export async function refusePruned(
  { id, jobId }: Pick<Job, 'id' | 'jobId'>,
  { store }: Pick<LocalDeps, 'store'>,
): Promise<void> {
  const { answersAt } = readPruned(await store.events(id));
  if (answersAt === null) return;
  throw new UsageError(`the answers of job ${jobId} were pruned`, {
    code: 'answers_pruned',
    why: `since ${dayOf(answersAt)} only its totals, its batches and its cost are here`,
    next: `batchctl status ${jobId}, or batchctl cost ${jobId}; to submit its records once more is paid once more`,
  });
}
