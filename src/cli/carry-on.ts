import type { Job } from '../core/job.ts';
import type { Deps } from '../steps/deps.ts';
import type { RunOptions } from '../steps/run-job.ts';
import { runAfter } from './after-run.ts';
import type { Context } from './context.ts';
import type { WaitFlags } from './flags.ts';
import { answeringOf, type PaceFlags } from './pace-flags.ts';
import { runLocked } from './run-locked.ts';

type CarryOn = Pick<RunOptions, 'submit' | 'until'> &
  Partial<Pick<RunOptions, 'mode'>> & {
    /** The same command goes on with the job, so that becoming final is not the end of it. */
    readonly goesOn?: boolean;
  };

/**
 * Carries a job on under its lock, as `submit`, `retrieve` and `resume` each ask for it; `first` is done before, and what
 * comes after the run once it is final. Returns the job as it is then.
 */
export async function carryOn(
  job: Job,
  { goesOn = false, ...what }: CarryOn,
  flags: WaitFlags & PaceFlags,
  context: Context,
  first: (deps: Deps) => Promise<void> = async () => {},
): Promise<Job> {
  const { runJob } = await import('../steps/run-job.ts');
  const options: RunOptions = {
    mode: 'batch',
    ...what,
    settleMs: flags.settle,
    intervalMs: flags.interval ?? null,
    maxWaitMs: flags.maxWait ?? null,
    answering: answeringOf(flags),
  };
  const outcome = await runLocked(job, context, context, async (deps) => {
    await first(deps);
    const done = await runJob(await deps.store.jobById(job.id), options, deps, context.signal);
    if (!goesOn) await runAfter(done.job, flags.notify ?? null, deps, context);
    return done;
  });
  return outcome.job;
}
