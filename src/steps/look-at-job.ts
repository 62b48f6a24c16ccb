import type { Job } from '../core/job.ts';
import type { Deps } from './deps.ts';
import { pollBatches } from './poll-batches.ts';
import { requireHome } from './require-home.ts';
import { startRun } from './run.ts';
import { walkBatches } from './walk-batches.ts';

/**
 * One look for `status`: takes in how the job's batches stand. Decides nothing and needs no lock, so it may run beside
 * the run that works on the job.
 */
export async function lookAtJob(job: Job, deps: Deps, signal: AbortSignal): Promise<void> {
  const run = startRun(job, deps, Number.POSITIVE_INFINITY);
  await requireHome(job, deps, signal);
  const walk = await walkBatches(run, null, signal);
  await pollBatches(run, await deps.store.shards(job.id), walk, signal);
}
