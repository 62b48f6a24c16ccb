import { isFinal, type Job } from '../core/job.ts';
import type { Deps } from './deps.ts';
import { writeSummary } from './finish-job.ts';
import { lookForLate } from './look-for-late.ts';
import { retrieveJob } from './retrieve-results.ts';
import { startRun } from './run.ts';
import { takeLate } from './take-late.ts';

/**
 * One listing for a final job that still has a submission under watch: a batch that turns up now was paid beside the one
 * that the job has, and the user should hear of it. The caller holds the job's lock.
 */
export async function watchJob(job: Job, deps: Deps, signal: AbortSignal): Promise<void> {
  const run = startRun(job, deps, 0);
  const news = await lookForLate(run, signal);
  if (news === null) return;
  if (!isFinal(job.state)) return;
  if ((await takeLate(run, signal)) > 0) await retrieveJob(run, signal);
  // The summary of a final job tells of what was paid twice.
  else if (news > 0) await writeSummary(job, await deps.store.shards(job.id), deps);
}
