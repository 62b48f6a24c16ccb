import { UsageError } from '../core/errors.ts';
import type { Estimate } from '../core/estimate.ts';
import type { Job, JobMode } from '../core/job.ts';
import type { Deps } from './deps.ts';
import { estimateJob } from './estimate-job.ts';
import { remarkOnCache } from './remark-cache.ts';

/** What goes out before the rest of a job. */
export interface FirstOptions {
  /** A sample goes first; null: none. */
  readonly pilot: { readonly requests: number; readonly minSuccess: number | null } | null;
  /** One request of each cached prompt goes first. */
  readonly prime: boolean;
}

/** What a job is to begin with. */
export interface BeginOptions extends FirstOptions {
  /** Says with the estimate in view how the job goes. @throws to have nothing sent. */
  readonly decide: (estimate: Estimate) => Promise<JobMode>;
}

/**
 * What stands between a build and its submission: takes out what goes first, estimates what all of it will cost, has that
 * approved, and keeps it with the job. Sends nothing but free token counts. The caller holds the job's lock; the job was
 * never submitted.
 */
export async function beginJob(
  job: Job,
  { pilot, prime, decide }: BeginOptions,
  deps: Deps,
  signal: AbortSignal,
): Promise<JobMode> {
  const { store } = deps;
  // A run that was cut off may have left half of what goes first.
  await store.settleAfterCrash(job.id);
  await carveFirst(job, { pilot, prime }, deps, signal);
  const estimate = await estimateJob(job, deps, signal);
  await remarkOnCache(job, estimate, deps);
  const mode = await decide(estimate);
  await store.keepEstimate(job.id, estimate);
  return mode;
}

/** What an earlier try has carved out already stays as it is. */
async function carveFirst(
  job: Job,
  { pilot, prime }: FirstOptions,
  deps: Deps,
  signal: AbortSignal,
): Promise<void> {
  if (pilot === null && !prime) return;
  const { carvePilot, carvePrimes, checkPrimes } = await import('./carve-first.ts');
  // A pilot that goes first in a job that is then refused would go first in the next try as well.
  if (prime) await checkPrimes(job, deps);
  if (pilot !== null) await carvePilot(job, pilot, deps, signal);
  if (prime) await carvePrimes(job, deps, signal);
}

/**
 * Flags about what goes first come too late for a job that was submitted without; with them it just goes on.
 *
 * @throws UsageError
 */
export async function refuseFirstTooLate(
  job: Job,
  { pilot, prime }: FirstOptions,
  deps: Deps,
): Promise<void> {
  const late = [
    pilot === null || (await hasPilot(job, deps)) ? null : '--pilot',
    !prime || (await hasPrimes(job, deps)) ? null : '--prime',
  ].filter((flag) => flag !== null);
  if (late.length === 0) return;
  throw new UsageError(
    `${late.join(', ')} cannot be used with job ${job.jobId}, which was submitted already`,
    {
      code: 'wrong_usage',
      why: 'its requests are on their way',
      next: `batchctl resume ${job.jobId} carries it on; submit --new makes another job`,
    },
  );
}

/** A pilot that was not approved yet is judged by the share that was asked for last. */
export async function changePilot(
  { id }: Job,
  { pilot }: Pick<FirstOptions, 'pilot'>,
  { store }: Deps,
): Promise<void> {
  const before = await store.pilotOf(id);
  if (pilot === null || before === null || before.approvedAt !== null) return;
  if (before.minSuccess !== pilot.minSuccess)
    await store.setPilot(id, { ...before, minSuccess: pilot.minSuccess });
}

async function hasPilot(job: Job, { store }: Deps): Promise<boolean> {
  return (await store.pilotOf(job.id)) !== null;
}

/** A pilot may have a request of each cached prompt, so that there are no others. */
async function hasPrimes(job: Job, { store }: Deps): Promise<boolean> {
  return (await store.shards(job.id)).some(({ shard }) => shard.first !== null);
}
