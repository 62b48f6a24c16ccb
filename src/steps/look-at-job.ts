import type { Job } from '../core/job.ts';
import type { Deps } from './deps.ts';
import { openBatches, pollBatches } from './poll-batches.ts';
import { pollBudgetOf } from './poll-budget.ts';
import { requireHome } from './require-home.ts';
import { startRun } from './run.ts';
import { walkBatches } from './walk-batches.ts';

/**
 * One look for `status`: takes in how the job's batches stand. Decides nothing and needs no lock, so it may run beside
 * the run that works on the job. Does nothing where this process has looked so lately that it would tell nothing new.
 */
export async function lookAtJob(job: Job, deps: Deps, signal: AbortSignal): Promise<void> {
  const budget = pollBudgetOf(deps);
  const views = await deps.store.shards(job.id);
  if (budget.firstLookMs(openBatches(views).map(({ id }) => id)) > deps.clock.monotonicMs()) return;
  budget.beginLook();
  const counted = { ...deps, provider: budget.counted(deps.provider) };
  const run = startRun(job, counted, Number.POSITIVE_INFINITY);
  await requireHome(job, counted, signal);
  const walk = await walkBatches(run, null, signal);
  await pollBatches(run, await deps.store.shards(job.id), walk, budget, signal);
}
