import type { Job } from '../core/job.ts';
import type { Deps } from '../steps/deps.ts';
import type { RunOptions } from '../steps/run-job.ts';
import type { Context } from './context.ts';
import type { WaitFlags } from './flags.ts';
import { runLocked } from './run-locked.ts';

/**
 * Carries a job on under its lock, as `submit`, `retrieve` and `resume` each ask for it; `first` is done before. Returns the
 * job as it is then.
 */
export async function carryOn(
  job: Job,
  what: Pick<RunOptions, 'submit' | 'until'>,
  flags: WaitFlags,
  context: Context,
  first: (deps: Deps) => Promise<void> = async () => {},
): Promise<Job> {
  const { runJob } = await import('../steps/run-job.ts');
  const options: RunOptions = {
    ...what,
    settleMs: flags.settle,
    intervalMs: flags.interval ?? null,
    maxWaitMs: flags.maxWait ?? null,
  };
  const outcome = await runLocked(job, context, context, async (deps) => {
    await first(deps);
    return runJob(await deps.store.jobById(job.id), options, deps, context.signal);
  });
  return outcome.job;
}
