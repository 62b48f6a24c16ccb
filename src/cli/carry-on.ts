import type { Job, JobMode } from '../core/job.ts';
import type { Lock } from '../core/ports/locks.ts';
import type { Deps } from '../steps/deps.ts';
import type { RunOptions, RunOutcome } from '../steps/run-job.ts';
import { runAfter } from './after-run.ts';
import type { Context } from './context.ts';
import type { WaitFlags } from './flags.ts';
import type { MoneyFlags } from './money-flags.ts';
import { answeringOf, type PaceFlags } from './pace-flags.ts';
import { runLocked } from './run-locked.ts';

type CarryOn = Pick<RunOptions, 'submit' | 'until'> &
  Partial<Pick<RunOptions, 'mode' | 'sleep' | 'isFollowed'>> & {
    /** The same command goes on with the job, so that becoming final is not the end of it. */
    readonly goesOn?: boolean;
    /** The job's lock, where this process holds it already. */
    readonly lock?: Lock | null;
  };

/**
 * Carries a job on under its lock, as `submit`, `retrieve` and `resume` each ask for it; `first` is done before, and may say
 * how a job goes that was never submitted; what comes after the run is done once it is final. Returns the job as it is then.
 */
export async function carryOn(
  job: Job,
  { goesOn = false, lock = null, ...what }: CarryOn,
  flags: WaitFlags & PaceFlags & MoneyFlags,
  context: Context,
  first: (deps: Deps) => Promise<JobMode | undefined> = async () => undefined,
): Promise<Job> {
  const { runJob } = await import('../steps/run-job.ts');
  const { limitJob } = await import('../steps/limit-job.ts');
  const { pilotJudge } = await import('./approve-spending.ts');
  const options: RunOptions = {
    mode: 'batch',
    ...what,
    settleMs: flags.settle,
    intervalMs: flags.interval ?? null,
    maxWaitMs: flags.maxWait ?? null,
    maxInFlight: flags.maxInFlight ?? null,
    answering: answeringOf(flags),
    ...pilotJudge(job, context),
  };
  const work = async (deps: Deps): Promise<RunOutcome> => {
    const mode = (await limitJob(job, flags.maxUsd ?? null, deps, () => first(deps))) ?? options.mode;
    const fresh = await deps.store.jobById(job.id);
    const done = await runJob(fresh, { ...options, mode }, deps, context.signal);
    if (!goesOn) await runAfter(done.job, flags.notify ?? null, deps, context);
    return done;
  };
  const outcome = await runLocked(job, { emulator: context.emulator, lock }, context, work);
  return outcome.job;
}
